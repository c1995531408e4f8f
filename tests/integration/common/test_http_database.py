"""Requests when the database is slow, busy, or gone: 503 or 504 in time, and recovery."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel

from services.common.config import ApiSettings
from services.common.http.app import build_app
from services.common.http.routes import DB, Routes
from services.common.sql import Query
from tests.stack.ports import free_port
from tests.support.proxy import proxied
from tests.support.stack import TestDatabase
from tests.support.waiting import until
from tests.unit.common.service import settings

Client = TestClient[web.Request, web.Application]
MARK = "SELECT pg_sleep(120) /* left over */"
LEFT = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE query LIKE $1 AND state = 'active' AND pid <> pg_backend_pid()"
)
routes = Routes("/api/sleep", "sleep")


class Slept(BaseModel):
    """Nothing more."""

    ok: bool = True


@routes.get("", roles=None)
async def sleep_long(request: web.Request) -> Slept:
    """Two minutes in the database."""
    await request.app[DB].execute(Query("long", MARK))
    return Slept()


@routes.get("/short", roles=None)
async def sleep_short(request: web.Request) -> Slept:
    """Two seconds in the database."""
    await request.app[DB].execute(Query("short", "SELECT pg_sleep(2)"))
    return Slept()


@routes.get("/not", roles=None)
async def sleep_not(request: web.Request) -> Slept:
    """No time in the database."""
    await request.app[DB].execute(Query("not", "SELECT 1"))
    return Slept()


@asynccontextmanager
async def served(url: str, **changes: Any) -> AsyncIterator[Client]:
    given: ApiSettings = settings(database_url=url, **changes)
    async with TestClient(TestServer(build_app(given, [routes], service="sleep"))) as client:
        yield client


async def left_over(database: TestDatabase) -> int:
    connection = await asyncpg.connect(database.direct_url)
    try:
        count: int = await connection.fetchval(LEFT, "%/* left over */%")
        return count
    finally:
        await connection.close()


async def none_left_over(database: TestDatabase) -> bool:
    return await left_over(database) == 0


async def test_the_deadline_cancels_the_query(database: TestDatabase) -> None:
    async with served(database.url, request_deadline_s=2) as client:
        asking = asyncio.create_task(client.get("/api/sleep"))
        await until(lambda: left_over(database))
        assert (await asking).status == 504
        await until(lambda: none_left_over(database))


async def test_an_exhausted_pool_is_503_in_time_and_recovers(database: TestDatabase) -> None:
    async with served(database.url, db_pool_max=2, db_connect_timeout_s=0.3) as client:
        asking = [client.get("/api/sleep/short") for _ in range(8)]
        answers = [await answer for answer in asyncio.as_completed(asking)]
        refused = [answer for answer in answers if answer.status == 503]
        assert len(refused) >= 6
        # nobody is refused so late that another request could have ended
        assert [answer.status for answer in answers] == [503] * len(refused) + [200] * (
            8 - len(refused)
        )
        assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
        assert (await refused[0].json())["code"] == "unavailable"
        assert (await client.get("/api/sleep/not")).status == 200


async def test_a_database_that_is_gone_is_503_and_recovers_by_itself(
    database: TestDatabase,
) -> None:
    port = free_port()
    user = database.url.rpartition("@")[0]
    name = database.url.rpartition("/")[2]
    real = database.url.rpartition("@")[2].partition("/")[0].split(":")
    async with served(f"{user}@127.0.0.1:{port}/{name}") as client:
        response = await client.get("/api/sleep/not")
        assert (response.status, int(response.headers["Retry-After"]) >= 1) == (503, True)
        assert (await client.get("/health/ready")).status == 503
        assert (await client.get("/health/live")).status == 200
        async with forwarded(port, real[0], int(real[1])):
            assert (await client.get("/api/sleep/not")).status == 200
            assert (await client.get("/health/ready")).status == 200


@asynccontextmanager
async def forwarded(port: int, host: str, there: int) -> AsyncIterator[None]:
    """Connections to `port` reach `there` while the block runs."""
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away = await asyncio.open_connection(host, there)
        for pair in ((reader, away[1]), (away[0], writer)):
            tasks.add(asyncio.create_task(pump(*pair)))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.slow
async def test_a_database_that_falls_silent_holds_up_no_request(database: TestDatabase) -> None:
    times = {"request_deadline_s": 1, "db_connect_timeout_s": 0.5}
    async with proxied(database.url) as proxy, served(proxy.url, **times) as client:
        assert (await client.get("/api/sleep/not")).status == 200
        proxy.talking.clear()
        begun = time.monotonic()
        answers = await asyncio.gather(*(client.get("/api/sleep/not") for _ in range(5)))
        assert {answer.status for answer in answers} <= {503, 504}
        assert time.monotonic() - begun < 20
        proxy.talking.set()
        await until(lambda: answered(client))


async def answered(client: Client) -> bool:
    return (await client.get("/api/sleep/not")).status == 200


async def test_the_pool_is_as_the_settings_say(database: TestDatabase) -> None:
    async with served(database.url) as client:
        pool = client.app[DB]._pool
        assert pool.get_max_size() == 20
        assert pool.get_idle_size() == 1  # opened by the check at the start
    given = settings()
    assert (given.db_pool_max, given.db_pool_idle_s, given.db_connect_timeout_s) == (20, 30, 2)


async def test_idle_connections_are_closed(database: TestDatabase) -> None:
    async with served(database.url, db_pool_idle_s=1, users_poll_s=1.5) as client:
        pool = client.app[DB]._pool
        await asyncio.gather(*(client.get("/api/sleep/short") for _ in range(3)))
        assert pool.get_size() >= 3
        await until(lambda: asyncio.sleep(0, pool.get_size() <= 1))
