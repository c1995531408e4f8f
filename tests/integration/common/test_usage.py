"""Usage sums in the real database."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.common.db import Database
from services.common.errors import Unavailable
from services.common.http.app import build_app
from services.common.http.usage import Usage
from services.common.sql import Query
from tests.support.stack import TestDatabase
from tests.unit.common.service import bearer, routes, settings

SUMS = Query(
    "test_sums",
    "SELECT subject, endpoint, sum(requests)::int AS requests, sum(errors)::int AS errors"
    " FROM usage_tracking GROUP BY 1, 2 ORDER BY 1, 2",
)


async def sums(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(SUMS)]


async def test_processes_that_flush_at_once_count_each_request_once(db: Database) -> None:
    processes = [Usage() for _ in range(4)]
    endpoints = [f"GET /api/{n}" for n in range(20)]

    async def work(usage: Usage, order: int) -> None:
        for turn in range(10):
            for endpoint in endpoints[::order]:
                usage.note("ann", endpoint, 0.001, failed=turn == 0)
            await asyncio.gather(usage.flush(db), usage.flush(db))

    await asyncio.gather(*(work(usage, 1 - 2 * (n % 2)) for n, usage in enumerate(processes)))
    assert await sums(db) == [("ann", endpoint, 40, 4) for endpoint in sorted(endpoints)]


async def test_what_cannot_be_written_is_kept(db: Database, database: TestDatabase) -> None:
    usage = Usage()
    usage.note("ann", "GET /api/x", 0.0105, failed=False)
    away = await Database.connect("postgres://x@127.0.0.1:1/x", min_size=0, connect_timeout_s=1)
    with pytest.raises(Unavailable):
        await usage.flush(away)
    usage.note("ann", "GET /api/x", 0.0105, failed=False)
    await usage.flush(db)
    await usage.flush(db)
    assert database.psql("SELECT requests, duration_ms FROM usage_tracking") == "2|21"


async def test_a_drain_writes_what_was_asked(database: TestDatabase, db: Database) -> None:
    app = build_app(settings(database_url=database.url), [routes], service="things")
    async with TestClient(TestServer(app)) as client:
        await asyncio.gather(*(client.get("/api/things", headers=bearer()) for _ in range(30)))
        await client.get("/api/things/nonsense", headers=bearer())
        await client.get("/health")
    assert await sums(db) == [
        ("ann", "GET /api/things", 30, 0),
        ("ann", "GET /api/things/{id}", 1, 1),
    ]
