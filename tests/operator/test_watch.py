"""How one looks after the operator: liveness, metrics, the rights that it has."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operator.conftest import MakeOperator
from tests.operator.files import pair, table, tables
from tests.operator.light import Ring
from tests.operator.place import Place, eventually
from tests.operator.processes import Operator
from tests.operator.silence import silenced

SHORT = {"MIGRATOR_DEAF_S": "1", "MIGRATOR_PULSE_S": "0.2"}
"""Settings with which 3 s without a list, or 1 s without a change that was listed, are told."""
SEVERAL, SOME_S = 9, 0.5


async def test_metrics_tell_what_was_done(place: Place, own_operator: Operator) -> None:
    await place.start(tables(2))
    await place.ready()
    mine = {"namespace": place.namespace, "name": "app"}

    async def told() -> bool:
        return own_operator.metric("ucc_migration_ready", **mine) == 1

    await eventually(told, "it is told to be Ready, the last thing that a look does")
    assert own_operator.metric("ucc_migration_version", **mine) == 2
    assert own_operator.metric("ucc_migration_attempts_total", reason="applied") == 1
    assert own_operator.metric("ucc_migration_attempt_seconds_count") == 1
    assert own_operator.metric("ucc_migration_last_success_timestamp_seconds", **mine) > 1.7e9


async def test_a_failure_is_counted_by_its_code(place: Place, own_operator: Operator) -> None:
    await place.start(pair("0001_broken", "ALTER TABLE nowhere ADD note text;\n"))
    await place.stalled("StatementFailed")

    async def counted() -> bool:
        return own_operator.metric("ucc_migration_attempts_total", reason="statement_failed") == 2

    await eventually(counted, "both attempts are counted")


async def test_metrics_of_a_deleted_resource_are_gone(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    mine = {"namespace": place.namespace, "name": "app"}

    async def there() -> bool:
        return operator.metric("ucc_migration_version", **mine) == 1

    await eventually(there, "the version is there")
    await place.delete("schemamigrations", "app")

    async def gone() -> bool:
        return operator.metric("ucc_migration_version", **mine) == 0

    await eventually(gone, "the series of the resource are gone")


async def test_alive_while_nothing_happens(place: Place, make_operator: MakeOperator) -> None:
    operator = await make_operator("idle", None, **SHORT)
    for _ in range(SEVERAL):
        await asyncio.sleep(SOME_S)
        assert operator.alive(), "longer than a watch may be silent"


async def test_a_watch_that_fell_silent_is_told_by_liveness(
    light: Ring, place: Place, make_operator: MakeOperator, tmp_path: Path
) -> None:
    async with silenced(light.server) as way:
        operator = await make_operator("behind", kubeconfig=light.at(way.url, tmp_path))
        await place.start(table(1))
        await place.ready()
        await place.quiet()

        async def silent() -> bool:
            return way.silence() >= 2

        await eventually(silent, "the watches of SchemaMigrations and of Jobs are found")
        await place.annotate(unheard="of")

        async def dead() -> bool:
            return not operator.alive()

        await eventually(dead, "liveness fails while nothing is heard")
        assert operator.running


async def test_an_api_server_that_is_away_is_no_reason_to_restart(
    light: Ring, place: Place, make_operator: MakeOperator, tmp_path: Path
) -> None:
    async with silenced(light.server) as way:
        operator = await make_operator("away", light.at(way.url, tmp_path), **SHORT)
        await way.close()
        for _ in range(SEVERAL):
            await asyncio.sleep(SOME_S)
            assert operator.alive(), "a restart would help nobody"
        assert way.connections == 0, "it was away all the time"


@pytest.fixture(scope="module")
def account(light: Ring) -> Iterator[str]:
    """The operator's account as `kubectl --as` has it."""
    yield light.account


ALLOWED = [
    "get schemamigrations.ucc-intel.io",
    "list schemamigrations.ucc-intel.io",
    "watch schemamigrations.ucc-intel.io",
    "patch schemamigrations.ucc-intel.io/status",
    "create jobs.batch",
    "delete jobs.batch",
    "watch jobs.batch",
    "list pods",
    "get pods/log",
    "get secrets",
    "get configmaps",
    "list deployments.apps",
    "create events.events.k8s.io",
]
DENIED = [
    "create schemamigrations.ucc-intel.io",
    "delete schemamigrations.ucc-intel.io",
    "list secrets",
    "watch secrets",
    "create secrets",
    "update secrets",
    "delete secrets",
    "create pods",
    "create pods/exec",
    "patch deployments.apps",
    "create configmaps",
    "delete namespaces",
    "create clusterrolebindings.rbac.authorization.k8s.io",
    "escalate clusterroles.rbac.authorization.k8s.io",
    "impersonate users",
    "create serviceaccounts/token",
]


GLOBAL = ("namespaces", "cluster", "users")


def may(light: Ring, account: str, what: str) -> str:
    """`kubectl auth can-i`: yes or no."""
    verb, kind = what.split()
    kind, _, sub = kind.partition("/")
    words = ["auth", "can-i", verb, kind, "--as", account]
    words += ["-A"] if kind.startswith(GLOBAL) else ["-n", "default"]
    return light.answer(*words, *(["--subresource", sub] if sub else []))


@pytest.mark.parametrize("what", ALLOWED)
def test_the_operator_may(light: Ring, account: str, what: str) -> None:
    assert may(light, account, what) == "yes"


@pytest.mark.parametrize("what", DENIED)
def test_the_operator_may_not(light: Ring, account: str, what: str) -> None:
    assert may(light, account, what) == "no"


async def test_no_request_of_the_operator_is_refused(place: Place, own_operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    lines = own_operator.log.read_text().splitlines()
    logged = [json.loads(line) for line in lines if line[:1] == "{"]
    assert logged, "it logs JSON lines"
    refused = [line for line in logged if "forbidden" in json.dumps(line).lower()]
    assert refused == []
