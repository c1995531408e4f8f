"""The CustomResourceDefinition: what the API server itself refuses, fills in and shows."""

from typing import Any

import pytest

from tests.operator.api import GROUP, ApiError, path
from tests.operator.light import Ring
from tests.operator.place import Place

DATABASE = {"secretRef": {"name": "db"}}
FILES = {"configMapRef": {"name": "sql"}}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "two sources": ({"source": FILES | {"image": "a:1"}}, "exactly one"),
    "no source": ({"source": {}}, "exactly one"),
    "rollback not below the target": (
        {"targetVersion": 3, "rollback": {"toVersion": 3}},
        "below",
    ),
    "target 0": ({"targetVersion": 0}, "targetVersion"),
    "rollback below 0": ({"rollback": {"toVersion": -1}}, "toVersion"),
    "an unknown lint level": ({"policy": {"lint": "strict"}}, "lint"),
    "an exception without a reason": (
        {"policy": {"exceptions": [{"file": "0001_a.up.sql", "rule": "ban-drop-table"}]}},
        "reason",
    ),
    "a lock timeout of 0": ({"timeouts": {"lockSeconds": 0}}, "lockSeconds"),
    "no database": ({"database": {}}, "secretRef"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_the_api_server_refuses(place: Place, case: str) -> None:
    wrong, said = REFUSED[case]
    with pytest.raises(ApiError) as refused:
        await place.apply(quick=False, **({"database": DATABASE, "source": FILES} | wrong))
    assert refused.value.status == 422
    assert said in refused.value.message


async def test_a_field_that_does_not_exist_is_told(light: Ring, place: Place) -> None:
    spec = {"database": DATABASE, "source": FILES, "retrys": {}}
    with pytest.raises(Exception, match="retrys"):
        light.kubectl.apply(
            {
                "apiVersion": f"{GROUP}/v1alpha1",
                "kind": "SchemaMigration",
                "metadata": {"name": "app"},
                "spec": spec,
            },
            place.namespace,
        )


async def test_defaults_are_filled_in(place: Place) -> None:
    made = (await place.apply(quick=False))["spec"]
    assert made["database"]["secretRef"]["key"] == "DATABASE_DIRECT_URL"
    assert (made["suspend"], made["dryRun"]) == (False, False)
    assert made["timeouts"] == {"lockSeconds": 5, "statementSeconds": 900, "overallSeconds": 3600}
    assert made["retries"] == {
        "limit": 5,
        "backoffSeconds": 10,
        "backoffCapSeconds": 300,
        "lockRetries": 20,
    }
    assert made["policy"] == {"lint": "error", "allowDestructive": False} | (
        {"exceptions": []} if "exceptions" in made["policy"] else {}
    )
    assert made["contract"] == {"enabled": True}
    assert made["drift"] == {"enabled": True, "intervalSeconds": 300}


async def test_status_is_written_through_its_subresource_only(place: Place) -> None:
    await place.apply()
    where = path("schemamigrations", place.namespace, "app")
    status = {"status": {"currentVersion": 7}}
    assert "status" not in await place.api.patch(where, status)
    written = await place.api.patch(f"{where}/status", status)
    assert written["status"] == {"currentVersion": 7}
    assert written["metadata"]["generation"] == 1


async def test_a_status_of_another_shape_is_refused(place: Place) -> None:
    await place.apply()
    where = path("schemamigrations", place.namespace, "app", "status")
    with pytest.raises(ApiError) as refused:
        await place.api.patch(where, {"status": {"currentVersion": "seven"}})
    assert refused.value.status == 422


async def test_it_has_a_short_name(light: Ring, place: Place) -> None:
    await place.apply()
    said = light.kubectl("get", "sm", "-n", place.namespace, "-o", "name")
    assert said.strip() == f"schemamigration.{GROUP}/app"
