"""The CRD and what the operator reads of it say the same; so do the settings and the README."""

import json
import types
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from operators.migrator import spec as specs
from operators.migrator.plans import PLAN_BYTES, plan_of
from operators.migrator.settings import MigratorSettings
from operators.migrator.spec import Spec
from operators.migrator.status import Finding, Reason
from operators.migrator.verdict import _OF_ROUND
from services.common import config
from tests.unit.operators.looks import spec

REPO = Path(__file__).parents[3]
CRD = yaml.safe_load((REPO / "charts/ucc-intel/crds/schemamigrations.yaml").read_text())
(VERSION,) = CRD["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]["properties"]
README = (REPO / "operators/README.md").read_text()


def parts(model: type[BaseModel], schema: dict[str, Any], path: str = "spec") -> Any:
    """(path, model, schema) of each object of the spec that we have a class for."""
    yield path, model, schema
    for name, field in model.model_fields.items():
        alias = field.alias or name
        inner = schema["properties"][alias]
        for kind in classes(field.annotation):
            found = inner["items"] if inner["type"] == "array" else inner
            yield from parts(kind, found, f"{path}.{alias}")


def classes(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple):
        return [kind for inner in get_args(annotation) for kind in classes(inner)]
    return []


PARTS = list(parts(Spec, SCHEMA["spec"]))


@pytest.mark.parametrize(("path", "model", "schema"), PARTS, ids=[p[0] for p in PARTS])
def test_the_crd_has_the_fields_that_are_read_and_no_other(
    path: str, model: type[BaseModel], schema: dict[str, Any]
) -> None:
    read = {field.alias or name: field for name, field in model.model_fields.items()}
    assert set(schema["properties"]) == set(read)
    assert sorted(schema.get("required", [])) == sorted(
        alias for alias, field in read.items() if field.is_required()
    )
    for alias, field in read.items():
        given = schema["properties"][alias].get("default")
        if given is not None and not isinstance(given, (dict, list)):
            assert field.default == given, f"{path}.{alias}"


def test_every_field_of_the_spec_is_described() -> None:
    def walk(schema: dict[str, Any], path: str) -> None:
        for name, inner in schema.get("properties", {}).items():
            if "tolerations" not in path:
                assert inner.get("description"), f"{path}.{name}"
            walk(inner, f"{path}.{name}")
            walk(inner.get("items", {}), f"{path}.{name}[]")

    walk(SCHEMA["spec"], "spec")


def test_what_is_written_into_the_status_is_in_the_crd() -> None:
    known = set(SCHEMA["status"]["properties"])
    assert set(_OF_ROUND) <= known
    assert {"currentVersion", "targetVersion", "checksum", "applied", "drift", "plan"} <= known


def test_rules_name_the_field_and_the_remedy() -> None:
    found = [rule for _, _, schema in PARTS for rule in schema.get("x-kubernetes-validations", [])]
    assert len(found) == 5
    assert all("spec." in rule["message"] for rule in found)


def test_names_and_columns() -> None:
    names = CRD["spec"]["names"]
    assert (names["shortNames"], names["kind"]) == (["sm"], specs.KIND)
    assert CRD["spec"]["group"] == specs.GROUP and names["plural"] == specs.PLURAL
    shown = [c["name"] for c in VERSION["additionalPrinterColumns"] if not c.get("priority")]
    assert shown == ["Ready", "Reason", "Version", "Target", "Age"]
    conditions = SCHEMA["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_a_newer_crd_is_read_as_far_as_it_is_known() -> None:
    assert spec(invented="later").suspend is False


def test_rollback_wins_over_the_target() -> None:
    assert spec(targetVersion=5, rollback={"toVersion": 3}).goal == 3
    assert spec(targetVersion=5).goal == 5
    assert spec().goal is None


@pytest.mark.parametrize("reason", [*Reason, *Finding])
def test_each_reason_has_its_line_in_the_readme(reason: str) -> None:
    assert f"\n| `{reason}` |" in README


def test_each_setting_is_in_the_readme() -> None:
    for line in config.table(["operators.migrator.settings"]).splitlines():
        if "MIGRATOR_" in line:
            assert line in README


def test_namespaces_are_read_from_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATOR_NAMESPACES", "a, b,")
    assert config.load(MigratorSettings).namespaces == ("a", "b")
    monkeypatch.setenv("MIGRATOR_NAMESPACES", "")
    assert config.load(MigratorSettings).namespaces == ()


def test_a_setting_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIGRATOR_MAX_JOBS", "0")
    with pytest.raises(SystemExit):
        config.load(MigratorSettings)
    assert "MIGRATOR_MAX_JOBS" in capsys.readouterr().err


def test_the_plan_is_the_last_json_line_of_a_log() -> None:
    plan = {"files": [{"file": "0001_t1.up.sql", "sql": "SELECT 1;"}]}
    log = "\n".join(['{"msg": "begin"}', json.dumps({"plan": plan}), "no json", ""])
    assert plan_of(log) == plan
    assert plan_of("nothing") is None


def test_a_plan_that_is_too_long_is_cut() -> None:
    files = [{"file": f"{n:04d}_x.up.sql", "sql": "x" * 50_000} for n in range(20)]
    found = plan_of(json.dumps({"plan": {"files": files}}))
    assert found and len(json.dumps(found)) <= PLAN_BYTES
    assert [f["file"] for f in found["files"]] == [f["file"] for f in files]
    many = [{"file": "x" * 40, "n": n} for n in range(10_000)]
    assert "note" in (plan_of(json.dumps({"plan": {"files": many}})) or {})
