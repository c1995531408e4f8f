"""Namespaces with rules of their own: quotas, limits, accounts that are not there."""

import pytest

from tests.operator.api import path
from tests.operator.files import table
from tests.operator.place import Place, condition, eventually, is_true
from tests.operator.processes import Operator

SMALL = {"limits": [{"type": "Container", "max": {"memory": "256Mi"}}]}
FITS = {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}


@pytest.fixture
async def small(place: Place) -> None:
    """No container of the namespace may have as much memory as a migration has by default."""
    body = {"apiVersion": "v1", "kind": "LimitRange", "spec": SMALL}
    await place.put("limitranges", "small", body)


async def test_a_job_that_gets_no_pod_says_why_and_runs_when_it_may(
    place: Place, small: None, operator: Operator
) -> None:
    await place.start(table(1))
    status = await place.reason("InternalError")
    message = condition(status, "Stalled")["message"]
    assert "maximum memory usage per Container is 256Mi" in message and "spec.job" in message
    assert status["failures"] == 0

    async def told() -> bool:
        return "InternalError" in dict(await place.events())

    await eventually(told, "an Event says so")
    await place.delete("limitranges", "small")
    status = await place.ready(currentVersion=1, seconds=150)
    assert status["attempt"] == 1, "the same Job got its pod"


async def test_a_spec_that_fits_resumes_a_job_that_got_no_pod(
    place: Place, small: None, operator: Operator
) -> None:
    await place.start(table(1))
    await place.reason("InternalError")
    await place.apply(job={"resources": FITS})
    status = await place.ready(currentVersion=1)
    assert not is_true(status, "Stalled")
    assert place.version() == 1


async def test_a_service_account_that_is_not_there_is_named(
    place: Place, operator: Operator
) -> None:
    await place.start(table(1), job={"serviceAccountName": "nobody"})
    status = await place.reason("InternalError")
    assert "nobody" in condition(status, "Stalled")["message"]


async def test_a_deleted_namespace_goes_while_a_migration_runs(
    place: Place, operator: Operator
) -> None:
    slow = {"0001_slow.up.sql": "SELECT pg_sleep(120);\n", "0001_slow.down.sql": "SELECT 1;\n"}
    await place.start(slow)

    async def working() -> bool:
        return place.working("pg_sleep")

    await eventually(working, "the file runs")
    await place.api.delete(path("namespaces", name=place.namespace))

    async def gone() -> bool:
        found = await place.api.items(path("namespaces"))
        return place.namespace not in [one["metadata"]["name"] for one in found]

    await eventually(gone, "the namespace is gone")
    await eventually(place.idle, "the session ended with the pod")
