"""Drift: what somebody changed by hand is told, counted, and left alone."""

from tests.operator.files import tables
from tests.operator.place import Place, condition, eventually, is_true
from tests.operator.processes import Operator

METRIC = "ucc_migration_drifted"
OFTEN = {"enabled": True, "intervalSeconds": 1}


async def test_drift_is_told_and_cleared(place: Place, operator: Operator) -> None:
    await place.start(tables(2), drift=OFTEN)
    status = await place.ready()
    assert condition(status, "Drifted").get("status") != "True"
    place.database.psql("ALTER TABLE t1 ADD by_hand text; DROP TABLE t2")
    status = await place.until(lambda status: is_true(status, "Drifted"), "Drifted")
    lines = " ".join(status["drift"]["lines"])
    assert "by_hand" in lines and "t2" in lines
    assert is_true(status, "Ready"), "versions and checksums are still as they should be"

    async def raised() -> bool:
        return operator.metric(METRIC, namespace=place.namespace) == 1

    await eventually(raised, "the metric says so")
    assert place.database.psql("SELECT to_regclass('t2') IS NULL") == "t", "nothing was repaired"
    assert len(await place.jobs()) == 1

    place.database.psql("ALTER TABLE t1 DROP by_hand; CREATE TABLE t2 (id bigint PRIMARY KEY)")
    status = await place.until(lambda status: not is_true(status, "Drifted"), "no drift")
    assert "drift" not in status

    async def lowered() -> bool:
        return operator.metric(METRIC, namespace=place.namespace) == 0

    await eventually(lowered, "the metric is back")


async def test_switched_off_nobody_looks(place: Place, operator: Operator) -> None:
    await place.start(tables(1), drift={"enabled": False, "intervalSeconds": 1})
    await place.ready()
    place.database.psql("ALTER TABLE t1 ADD by_hand text")
    await place.quiet()
    assert not is_true(await place.status(), "Drifted")


async def test_a_migration_is_no_drift(place: Place, operator: Operator) -> None:
    await place.start(tables(1), drift=OFTEN)
    await place.ready(currentVersion=1)
    await place.files(tables(3))
    await place.ready(currentVersion=3)
    await place.quiet()
    assert not is_true(await place.status(), "Drifted")
