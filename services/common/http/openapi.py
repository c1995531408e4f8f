"""The OpenAPI 3.1 document, built from the same routes that serve: it cannot lie."""

import inspect
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from services import __version__
from services.common.errors import (
    AppError,
    BadRequest,
    Forbidden,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    PayloadTooLarge,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
)
from services.common.http import idempotency
from services.common.http.problems import Problem
from services.common.http.routes import Route

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_IDEMPOTENCY_KEY: Json = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Of your choice, kept 24 hours: the same request with the same key happens "
    f"once, and every repetition gets the first answer, with `{idempotency.REPLAYED}: true`",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}
_ETAG: Json = {"description": "Version of what is shown", "schema": {"type": "string"}}


def _condition(header: str, description: str) -> Json:
    schema = {"type": "string"}
    return {
        "name": header,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


_IF_MATCH = _condition("If-Match", "ETag of the version to change; 412 where there is another")
_CONDITIONS = {
    "GET": _condition("If-None-Match", "ETag that is known; 304 while it is still right"),
    "PATCH": _IF_MATCH,
    "DELETE": _IF_MATCH,
}


def build(title: str, routes: Iterable[Route]) -> Json:
    """The document of `routes`. Raises ValueError where two handlers share a name."""
    known = list(routes)
    schemas = _Schemas(known)
    paths: Json = {}
    names: set[str] = set()
    for route in known:
        operation = _operation(route, schemas)
        if operation["operationId"] in names:
            raise ValueError(f"two operations are called {operation['operationId']}")
        names.add(operation["operationId"])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.shared,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


class _Schemas:
    """JSON Schemas of all models; those of path and query are taken apart into parameters."""

    def __init__(self, routes: list[Route]) -> None:
        pairs: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
        apart: list[tuple[type[BaseModel], JsonSchemaMode]] = []
        for route in routes:
            for place, model in route.inputs.items():
                (pairs if place == "body" else apart).append((model, "validation"))
            if route.response:
                pairs.append((route.response, "serialization"))
        self._refs, document = models_json_schema([*pairs, *apart], ref_template=_REF)
        self.shared: Json = document["$defs"]
        names = [self.ref(*pair)["$ref"].rsplit("/", 1)[1] for pair in apart]
        self._apart = {pair: self.shared[name] for pair, name in zip(apart, names, strict=True)}
        for name in names:
            self.shared.pop(name, None)

    def ref(self, model: type[BaseModel], mode: JsonSchemaMode) -> Json:
        """`{"$ref": ...}` of a model."""
        return dict(self._refs[model, mode])

    def parameters(self, model: type[BaseModel], place: str) -> list[Json]:
        """One parameter a field of a path or query model."""
        schema = self._apart[model, "validation"]
        required = schema.get("required", ())
        return [
            {
                "name": name,
                "in": place,
                "required": place == "path" or name in required,
                "description": field.get("description", ""),
                "schema": {k: v for k, v in _given(field).items() if k != "description"},
            }
            for name, field in schema["properties"].items()
        ]


def _given(field: Json) -> Json:
    """The schema of a field that is there: an address can leave it out, but not say null."""
    options = [option for option in field.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == len(field.get("anyOf", ())):
        return field
    kept = {k: v for k, v in field.items() if k != "anyOf" and (k, v) != ("default", None)}
    return kept | (options[0] if len(options) == 1 else {"anyOf": options})


def _operation(route: Route, schemas: _Schemas) -> Json:
    summary, _, rest = (inspect.getdoc(route.handler) or route.handler.__name__).partition("\n")
    roles = "" if route.roles is None else f"Roles: {', '.join(sorted(route.roles))}."
    operation: Json = {
        "operationId": route.handler.__name__,
        "summary": summary,
        "description": "\n\n".join(part for part in (rest.strip(), roles) if part),
        "tags": [route.tag],
        "responses": _failures(route)
        | {str(status): _answer(route, status, schemas) for status in (route.status, *route.also)},
        "security": [] if route.roles is None else [{"bearer": []}],
    }
    if route.roles is not None:
        operation["x-roles"] = sorted(route.roles)
    parameters = [
        parameter
        for place in ("path", "query")
        if place in route.inputs
        for parameter in schemas.parameters(route.inputs[place], place)
    ]
    if route.idempotent:
        parameters.append(_IDEMPOTENCY_KEY)
    if route.etag and route.method in _CONDITIONS:
        parameters.append(_CONDITIONS[route.method])
    if parameters:
        operation["parameters"] = parameters
    if body := route.inputs.get("body"):
        operation["requestBody"] = {
            "required": any(field.is_required() for field in body.model_fields.values()),
            "content": {"application/json": {"schema": schemas.ref(body, "validation")}},
        }
    elif route.uploads:
        operation["requestBody"] = {"required": True, "content": _uploads(route.uploads)}
    return operation


def _uploads(kinds: tuple[str, ...]) -> Json:
    """A file as the body, or the parts of a form under whatever names."""
    file: Json = {"type": "string", "format": "binary"}
    form: Json = {"type": "object", "additionalProperties": file}
    return {kind: {"schema": form if kind.startswith("multipart/") else file} for kind in kinds}


def _answer(route: Route, status: int, schemas: _Schemas) -> Json:
    answer: Json = {"description": HTTPStatus(status).phrase}
    if route.etag and status != HTTPStatus.NO_CONTENT:
        answer["headers"] = {"ETag": _ETAG}
    if status == HTTPStatus.NOT_MODIFIED:
        return answer
    if route.files and status == route.status:
        file: Json = {"schema": {"type": "string", "format": "binary"}}
        # a file of JSON is read as JSON by whoever checks an answer
        answer["content"] = {t: {} if t.endswith("json") else file for t in route.files}
    elif route.response:
        schema = schemas.ref(route.response, "serialization")
        answer["content"] = {"application/json": {"schema": schema}}
    return answer


def _failures(route: Route) -> Json:
    """Problem answers by status: those the route names, those of the frame, and `default`."""
    errors: list[type[AppError]] = list(route.errors)
    if route.inputs:
        errors += [BadRequest, ValidationFailed]
    if route.idempotent:
        errors += [ValidationFailed, IdempotencyInProgress, IdempotencyKeyReused]
    if "body" in route.inputs or route.uploads:
        errors += [PayloadTooLarge, UnsupportedMediaType]
    if route.roles is not None:
        errors += [Unauthorized, Forbidden]
    schema = {"$ref": _REF.format(model="Problem")}
    content = {"application/problem+json": {"schema": schema}}
    by_status: dict[str, list[str]] = {}
    for error in sorted(dict.fromkeys(errors), key=lambda e: e.status):
        by_status.setdefault(str(error.status), []).append(f"`{error.code}`: {error.message()}")
    answers = {s: {"description": "\n\n".join(d), "content": content} for s, d in by_status.items()}
    return answers | {"default": {"description": "Any other failure", "content": content}}
