"""Generated requests against a real service: it must answer as its openapi.json says, always.

A service has its own file of tests, so that services are tested side by side: `Contract` of its
name and of values that exist in its seed; a test an operation asks hundreds of valid and invalid
requests by `Service.try_out`. Nothing is random: the same requests come every time.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.support import documents

CASES = 10_000
"""Requests that are asked of all services together."""
SHARE = -(-CASES // len(documents.APIS))
SUBJECT = "contract"
Json = dict[str, Any]

# What a document cannot say of a request, whatever the service.
_RULES = (
    "This Idempotency-Key came with another request before",
    "The resource changed since it was read",
    "The request has a NUL character in it",
)
_SETTINGS = settings(
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
load_all_checks()


@dataclass
class Contract:
    """What is known of a service beside its document.

    `known` names values that exist: of a parameter or a list in a body by its name, of ids in
    paths by a part of `METHOD /path`, the first that fits. `rules` are refusals of valid requests
    that a JSON Schema cannot express, as patterns of their `detail`. `alone` are parameters that
    a valid request is asked again without, where they were the reason for a refusal.
    """

    service: str
    known: Mapping[str, Sequence[str | int]]
    rules: Sequence[str] = ()
    alone: Sequence[str] = ()

    def operations(self) -> list[str]:
        """`METHOD /path` of each operation."""
        paths = self._document()["paths"]
        return [f"{method.upper()} {path}" for path in paths for method in paths[path]]

    @cached_property
    def schema(self) -> BaseSchema:
        """The document, with a way to existing things and no answer by default."""
        document = self._document()
        _name_lists(document["components"]["schemas"], self.known)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                operation["responses"].pop("default")
                for parameter in operation.get("parameters", ()):
                    self._name(f"{method.upper()} {path}", parameter)
        return schemathesis.openapi.from_dict(document)

    def _document(self) -> Json:
        path = documents.REPO / "services" / self.service / "openapi.json"
        document: Json = json.loads(path.read_text())
        return document

    def _name(self, operation: str, parameter: Json) -> None:
        names = [n for n in self.known if n in operation] if parameter["in"] == "path" else ()
        values = self.known.get(parameter["name"]) or self.known.get(next(iter(names), ""))
        if values:
            parameter["schema"] = _existing(values, parameter["schema"])


@dataclass
class Service:
    """A running service, and how many requests it was asked."""

    url: str
    token: str
    contract: Contract
    session: requests.Session = field(default_factory=requests.Session)
    asked: int = 0

    def try_out(self, operation: str) -> None:
        """Ask so many cases of an operation that all operations together make up the share."""
        contract = self.contract
        method, _, path = operation.partition(" ")
        examples = SHARE * 6 // 5 // len(contract.operations())
        config = HypothesisTestConfig(
            project=contract.schema.config,
            modes=[HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING],
            settings=settings(_SETTINGS, max_examples=examples),
            apply_ci_profile=False,
        )

        def ask(case: Case[Any]) -> None:
            self.ask(case)

        create_test(operation=contract.schema[path][method], test_func=ask, config=config)()

    def ask(self, case: Case[Any]) -> None:
        """Send a case and hold the answer against the document. Raises with all that is wrong."""
        answer = self._send(case)
        for name in self.contract.alone:
            if (
                _is_valid(case)
                and f"/query/{name}".encode() in answer.content
                and name in case.query
            ):
                del case.query[name]
                answer = self._send(case)
        excused = any(
            re.search(rule.encode(), answer.content) for rule in (*_RULES, *self.contract.rules)
        )
        case.validate_response(
            answer, excluded_checks=[positive_data_acceptance] if excused else None
        )

    def _send(self, case: Case[Any]) -> Response:
        self.asked += 1
        # a case that is not valid may be one for its token
        if _is_valid(case) or "Authorization" in case.headers:
            case.headers["Authorization"] = f"Bearer {self.token}"
        return case.call(base_url=self.url, session=self.session, timeout=30)


def _is_valid(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


def _existing(values: Sequence[str | int], schema: Json) -> Json:
    """The same values, but what exists is met more often than by chance."""
    return {"anyOf": [{"enum": list(values)}, schema]}


def _name_lists(node: Any, known: Mapping[str, Sequence[str | int]]) -> None:
    """Give the lists among the properties of all schemas below `node` values that exist."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in known and value.get("type") == "array":
            value["items"] = _existing(known[key], value["items"])
        _name_lists(value, known)
    for value in node if isinstance(node, list) else ():
        _name_lists(value, known)
