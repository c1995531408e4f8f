"""Idempotency-Key over a small service on the real database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel, ConfigDict

from services.common.config import ApiSettings
from services.common.db import Database, Executor
from services.common.errors import Conflict
from services.common.http.app import DB, build_app
from services.common.http.idempotency import Q
from services.common.http.routes import Routes
from services.common.http.token import make
from services.common.sql import Query
from services.common.types import Role
from tests.support.stack import TestDatabase
from tests.support.waiting import until

SECRET = "k" * 32
Client = TestClient[web.Request, web.Application]
routes = Routes("/api/things", "things")
ADD = Query("add", "INSERT INTO things (name) VALUES ($1) RETURNING id")
FIND = Query("find", "SELECT id FROM things WHERE name = $1")
gates: dict[str, asyncio.Event] = {}


class NewThing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    how: str = ""


class Thing(BaseModel):
    id: int


@routes.post("", status=201, idempotent=True)
async def add_thing(request: web.Request, body: NewThing) -> Thing:
    """Add a thing, in one of many ways."""
    db = request.app[DB]
    if body.how == "wait":
        await gates["it"].wait()
    try:
        thing = Thing(id=await db.fetchval(ADD, body.name))
    except asyncpg.UniqueViolationError as exc:
        raise Conflict(existing=await db.fetchval(FIND, body.name)) from exc
    if body.how == "wait after":
        await gates["it"].wait()
    if body.how == "crash":
        raise RuntimeError("the process is out of its mind")
    if body.how == "side by side":
        names = [f"{body.name}{n}" for n in range(9)]
        await asyncio.gather(*(db.fetchval(ADD, name) for name in names), _nested(db, body.name))
    return thing


async def _nested(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        await tx.execute(ADD, f"{name} in a transaction")
        await db.execute(ADD, f"{name} beside it")


@pytest.fixture(autouse=True)
def gate() -> None:
    """What a handler that is told to wait waits for."""
    gates["it"] = asyncio.Event()


@pytest.fixture
async def client(database: TestDatabase) -> AsyncIterator[Client]:
    settings = {"database_url": database.url, "jwt_secret": SECRET, "db_pool_max": 2}
    database.psql("CREATE TABLE things (id integer GENERATED ALWAYS AS IDENTITY, name text UNIQUE)")
    app = build_app(ApiSettings.model_validate(settings), [routes], service="things")
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def add(client: Client, name: str, how: str = "", key: str = "k1", user: str = "ann") -> Any:
    """Status, body and whether it is a repetition."""
    settings = ApiSettings.model_validate({"database_url": "postgres://x", "jwt_secret": SECRET})
    headers = {"Authorization": f"Bearer {make(settings, Role.ANALYST, user)}"}
    answer = await client.post(
        "/api/things", json={"name": name, "how": how}, headers=headers | {"Idempotency-Key": key}
    )
    return answer.status, await answer.json(), answer.headers.get("Idempotency-Replayed")


async def count(db: Executor, table: str) -> int:
    return int(await db.fetchval(Query("count", f"SELECT count(*) FROM {table}")))


async def waiting(db: Executor, number: int) -> None:
    """Return as soon as `number` transactions are open and idle."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
    query = Query("idle", sql + "state = 'idle in transaction'")

    async def met() -> bool:
        return bool(await db.fetchval(query) >= number)

    await until(met)


async def test_a_repetition_gets_the_very_first_answer(client: Client, db: Database) -> None:
    first = await add(client, "one")
    await db.execute(Query("change", "UPDATE things SET name = 'other'"))
    assert first == (201, {"id": 1}, None)
    assert await add(client, "one") == (201, {"id": 1}, "true")
    assert await count(db, "things") == 1


async def test_another_key_and_another_user_are_another_request(client: Client) -> None:
    assert (await add(client, "one", key="a"))[1] == {"id": 1}
    assert (await add(client, "two", key="b"))[1] == {"id": 2}
    assert (await add(client, "three", key="a", user="bob"))[1] == {"id": 3}


async def test_the_key_of_another_request_is_refused(client: Client, db: Database) -> None:
    await add(client, "one")
    status, body, _ = await add(client, "two")
    assert (status, body["code"]) == (422, "idempotency_key_reused")
    assert await count(db, "things") == 1


async def test_a_key_that_is_no_key_is_refused(client: Client) -> None:
    status, body, _ = await add(client, "one", key="a b")
    assert (status, body["errors"][0]["pointer"]) == (400, "/header/Idempotency-Key")


async def test_of_two_at_once_one_is_told_to_wait(client: Client, db: Database) -> None:
    first = asyncio.create_task(add(client, "one", "wait"))
    await waiting(db, 1)
    status, body, _ = await add(client, "one", "wait")
    assert (status, body["code"]) == (409, "idempotency_in_progress")
    gates["it"].set()
    assert await first == (201, {"id": 1}, None)
    assert await add(client, "one", "wait") == (201, {"id": 1}, "true")


async def test_effect_and_key_appear_together(client: Client, db: Database) -> None:
    running = asyncio.create_task(add(client, "one", "wait after"))
    await waiting(db, 1)
    assert (await count(db, "things"), await count(db, "idempotency_keys")) == (0, 0)
    gates["it"].set()
    await running
    assert (await count(db, "things"), await count(db, "idempotency_keys")) == (1, 1)


async def test_a_crash_leaves_neither_effect_nor_key(client: Client, db: Database) -> None:
    assert (await add(client, "one", "crash"))[0] == 500
    assert (await count(db, "things"), await count(db, "idempotency_keys")) == (0, 0)
    assert (await add(client, "one"))[0] == 201


async def test_a_lost_connection_leaves_neither_effect_nor_key(
    client: Client, db: Database, database: TestDatabase
) -> None:
    running = asyncio.create_task(add(client, "one", "wait after"))
    await waiting(db, 1)
    database.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state = 'idle in transaction'"
    )
    gates["it"].set()
    assert (await running)[0] in (500, 503)
    assert (await count(db, "things"), await count(db, "idempotency_keys")) == (0, 0)


async def test_a_refusal_is_repeated_too(client: Client, db: Database) -> None:
    await add(client, "one", key="a")
    status, body, _ = await add(client, "one", key="b")
    assert (status, body["existing"]) == (409, 1)
    await db.execute(Query("free", "DELETE FROM things"))
    assert await add(client, "one", key="b") == (409, body, "true")


async def test_calls_side_by_side_share_the_transaction(client: Client, db: Database) -> None:
    answers = await asyncio.gather(
        *(add(client, f"n{n}", "side by side", key=f"k{n}") for n in range(6))
    )
    assert {status for status, *_ in answers} == {201}
    assert await count(db, "things") == 6 * 12


async def test_a_key_is_free_again_after_24_hours(client: Client, db: Database) -> None:
    await add(client, "one")
    await db.execute(
        Query(
            "age", "UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second'"
        )
    )
    assert await add(client, "two") == (201, {"id": 2}, None)
    assert await add(client, "two") == (201, {"id": 2}, "true")


async def test_old_keys_are_swept(client: Client, db: Database) -> None:
    await add(client, "one", key="old")
    await db.execute(
        Query("age", "UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    )
    await add(client, "two", key="new")
    await db.execute(Q["idempotency_expire"])
    left = await db.fetch(Query("left", "SELECT key FROM idempotency_keys"))
    assert [row["key"] for row in left] == ["new"]


async def test_a_task_that_outlives_its_request_gets_a_connection_of_its_own(db: Database) -> None:
    async with db.shared():
        later = asyncio.create_task(_later(db))
    gates["it"].set()
    assert await later == 1


async def _later(db: Database) -> int:
    await gates["it"].wait()
    return int(await db.fetchval(Query("one", "SELECT 1")))
