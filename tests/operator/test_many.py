"""Many SchemaMigrations at once on as many databases."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.operator.conftest import MakeOperator
from tests.operator.files import ran, table
from tests.operator.place import Place
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

COUNT = 8
AT_ONCE = 3
MEMORY_MB = 150


@pytest.fixture
def databases(stack: TestStack, place: Place) -> Iterator[list[TestDatabase]]:
    """Empty databases."""
    made = [create_database(stack, f"{place.database.name}_{n}") for n in range(COUNT)]
    yield made
    for database in made:
        drop_database(stack, database.name)


async def test_all_become_ready_and_no_more_jobs_run_than_allowed(
    place: Place, make_operator: MakeOperator, databases: list[TestDatabase]
) -> None:
    operator = await make_operator("busy", MIGRATOR_MAX_JOBS=str(AT_ONCE))
    await place.files(table(1))
    for number, database in enumerate(databases):
        await place.secret(database.direct_url, f"db-{number}")
    names = [f"app-{number}" for number in range(COUNT)]
    await asyncio.gather(
        *(
            place.apply(name, database={"secretRef": {"name": f"db-{number}"}})
            for number, name in enumerate(names)
        )
    )
    most: list[int] = []
    watching = asyncio.create_task(under_way(place, most))
    await asyncio.gather(*(place.ready(name, seconds=180) for name in names))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    for database in databases:
        assert ran(database) == ["0001_t1"]
    assert len(await place.jobs()) == COUNT
    print(f"{COUNT} at once: operator {operator.memory_mb():.0f} MB")
    assert operator.memory_mb() < MEMORY_MB
    assert 1 < max(most) <= AT_ONCE


async def under_way(place: Place, seen: list[int]) -> None:
    """Note how many pods are under way, again and again."""
    while True:
        phases = [pod["status"].get("phase") for pod in await place.pods()]
        seen.append(sum(phase in ("Pending", "Running") for phase in phases))
        await asyncio.sleep(0.1)
