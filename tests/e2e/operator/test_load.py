"""At size: fifty databases at once, contract migrations behind a rollout, an index under load."""

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import pytest

from tests.cluster.full import Cluster
from tests.e2e.operator.conftest import empty
from tests.e2e.operator.installed import IMAGE, Installed
from tests.operator.api import GROUP, Object
from tests.operator.files import contract, joined, pair, ran, table
from tests.operator.place import Place, eventually
from tests.support.stack import TestDatabase, TestStack, drop_database

FIFTY = 50
MEMORY_MB = 150
ROWS = 1_000_000
WRITERS = 4
BLOCKED_S = 1.0


@pytest.fixture
def fifty(cluster: Cluster, databases: TestStack, place: Place) -> Iterator[list[TestDatabase]]:
    """Empty databases."""
    name = place.database.name
    made = [empty(databases, cluster, f"{name}_{number}") for number in range(FIFTY)]
    yield made
    for database in made:
        drop_database(databases, database.name)


async def test_fifty_at_once(place: Place, migrator: Installed, fifty: list[TestDatabase]) -> None:
    await place.files(table(1))
    for number, database in enumerate(fifty):
        await place.secret(database.direct_url, f"db-{number}")
    began = time.monotonic()
    names = [f"app-{number}" for number in range(FIFTY)]
    await asyncio.gather(
        *(
            place.apply(name, database={"secretRef": {"name": f"db-{number}"}})
            for number, name in enumerate(names)
        )
    )
    for name in names:
        await place.ready(name, seconds=600 - (time.monotonic() - began))
    took = time.monotonic() - began
    now, most = migrator.memory_mb()
    print(f"{FIFTY} at once: all Ready in {took:.0f} s; operator {now:.0f} MB, at most {most:.0f}")
    assert [ran(database) for database in fifty] == [["0001_t1"]] * FIFTY
    assert len(await place.jobs()) == FIFTY
    assert most < MEMORY_MB


def service(version: str) -> Object:
    """A Deployment of our code at a version."""
    label = {f"{GROUP}/version": version}
    main = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": ["sleep", "3600"],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": label},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "prospects"}},
            "template": {
                "metadata": {"labels": {"app": "prospects"} | label},
                "spec": {"terminationGracePeriodSeconds": 3, "containers": [main]},
            },
        },
    }


async def test_a_contract_migration_runs_when_the_rollout_is_over(
    cluster: Cluster, place: Place, migrator: Installed
) -> None:
    await place.put("deployments", "prospects", service("1.1.0"))
    wait = ("rollout", "status", "deployment/prospects", "-n", place.namespace, "--timeout=180s")
    await asyncio.to_thread(cluster.kubectl, *wait)
    files = joined(table(1), contract(2, "1.2.0", "ALTER TABLE t1 DROP COLUMN IF EXISTS old;\n"))
    await place.start(files, policy={"allowDestructive": True})
    status = await place.reason("WaitingForCode")
    assert status["waitingFor"]["deployments"] == [{"name": "prospects", "version": "1.1.0"}]
    await place.put("deployments", "prospects", service("1.2.0"))
    await place.ready(currentVersion=2)
    old = [
        pod
        for pod in await place.pods()
        if pod["metadata"]["labels"].get(f"{GROUP}/version") == "1.1.0"
    ]
    assert old == [], "a pod of the old release was still there"
    assert ran(place.database) == ["0001_t1", "0002_c2"]


class Writers:
    """Sessions that insert and update all the time; what failed, and the longest wait."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.stop = asyncio.Event()
        self.writes = 0
        self.failed: list[str] = []
        self.longest_s = 0.0

    async def write(self, first: int) -> None:
        """One writer with ids of its own."""
        conn = await asyncpg.connect(self.url)
        number = first
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                await conn.execute("INSERT INTO big VALUES ($1, 'new')", number)
                await conn.execute("UPDATE big SET note = 'seen' WHERE id = $1", number % ROWS)
            except asyncpg.PostgresError as error:
                self.failed.append(str(error))
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.writes += 2
            number += 1
            await asyncio.sleep(0.001)
        await conn.close()


async def test_an_index_on_a_million_rows_blocks_no_writer(
    place: Place, migrator: Installed
) -> None:
    big = pair("0001_big", "CREATE TABLE big (id bigint PRIMARY KEY, note text);\n")
    await place.start(big)
    await place.ready(currentVersion=1)
    fill = f"INSERT INTO big SELECT n, 'row ' || n FROM generate_series(0, {ROWS - 1}) n"
    place.database.psql(fill)
    writers = Writers(place.database.direct_url)
    tasks = [asyncio.create_task(writers.write(ROWS * (2 + number))) for number in range(WRITERS)]
    sql = "-- transaction: false\n\nCREATE INDEX CONCURRENTLY big_note ON big (note);\n"
    down = "-- transaction: false\n\nDROP INDEX CONCURRENTLY big_note;\n"
    await place.files(joined(big, pair("0002_index", sql, down)))
    timeouts = {"statementSeconds": 110}
    await place.apply(timeouts=timeouts)

    async def building() -> bool:
        return place.working("big_note")

    await eventually(building, "the index is being built")
    before = writers.writes
    status = await place.ready(currentVersion=2, seconds=120)
    during = writers.writes - before
    writers.stop.set()
    await asyncio.gather(*tasks)
    ms = status["applied"][-1]["ms"]
    print(
        f"index on {ROWS} rows in {ms} ms, {during} writes meanwhile,"
        f" the longest took {writers.longest_s * 1000:.0f} ms"
    )
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'big_note'::regclass"
    assert place.database.psql(valid) == "t"
    assert writers.failed == []
    assert during > 100, "nobody wrote meanwhile"
    assert writers.longest_s < BLOCKED_S
