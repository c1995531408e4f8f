"""Callers get a row; a disabled one is refused in every process within two seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.context import Principal
from services.common.db import Database
from services.common.http.guard import GUARD
from services.common.http.token import make
from services.common.http.users import Users
from services.common.sql import Query
from services.common.types import Role
from services.jobs.app import build as build_jobs
from services.jobs.settings import JobsSettings
from services.prospects.app import build as build_prospects
from services.prospects.settings import ProspectsSettings
from tests.support.stack import TestDatabase
from tests.support.waiting import PATIENCE_S

Client = TestClient[web.Request, web.Application]
SECRET = "s" * 32
ROW = Query("test_user", "SELECT role, disabled_at FROM users WHERE subject = $1")
TRAIL = Query(
    "test_trail",
    "SELECT subject, action, before, after FROM audit_logs WHERE entity = 'user' ORDER BY id",
)
DISABLE = Query("test_disable", "UPDATE users SET disabled_at = now() WHERE subject = $1")


@pytest.fixture
def given(database: TestDatabase) -> dict[str, Any]:
    return {"database_url": database.url, "jwt_secret": SECRET, "port": 0}


@pytest.fixture
async def processes(given: dict[str, Any]) -> AsyncIterator[list[Client]]:
    """The jobs service, and the prospects service twice."""
    apps = [build_jobs(JobsSettings.model_validate(given))]
    apps += [build_prospects(ProspectsSettings.model_validate(given)) for _ in range(2)]
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(TestClient(TestServer(app))) for app in apps]


def bearer(user: str, role: Role = Role.VIEWER) -> dict[str, str]:
    settings = JobsSettings.model_validate({"database_url": "postgres://x", "jwt_secret": SECRET})
    return {"Authorization": f"Bearer {make(settings, role, user)}"}


ROOT = bearer("root", Role.ADMIN)


async def asked(client: Client, headers: dict[str, str]) -> int:
    paths = {resource.canonical for resource in client.app.router.resources()}
    path = "/api/jobs?limit=1" if "/api/jobs" in paths else "/api/prospects?limit=1"
    return (await client.get(path, headers=headers)).status


async def until(met: Callable[[], Awaitable[Any]]) -> float:
    """Return when `met`; after how many seconds it was asked that was."""
    begun = asked_at = time.monotonic()
    while not await met():
        assert time.monotonic() - begun < PATIENCE_S
        await asyncio.sleep(0.02)
        asked_at = time.monotonic()
    return asked_at - begun


async def known(processes: list[Client], user: str, db: Database) -> None:
    """Have every process remember a good token of the user, and its row written."""
    for client in processes:
        assert await asked(client, bearer(user)) == 200
    await until(lambda: db.fetchrow(ROW, user))


async def test_the_first_sight_of_a_subject_makes_its_row(
    processes: list[Client], db: Database
) -> None:
    assert await asked(processes[1], bearer("ann", Role.ANALYST)) == 200
    await until(lambda: db.fetchrow(ROW, "ann"))
    row = await db.fetchrow(ROW, "ann")
    assert row is not None
    assert (row["role"], row["disabled_at"]) == ("analyst", None)


async def test_a_refused_token_makes_no_row(processes: list[Client], db: Database) -> None:
    forged = {"Authorization": bearer("eve")["Authorization"] + "x"}
    assert await asked(processes[0], forged) == 401
    await known(processes, "ann", db)
    assert await db.fetchrow(ROW, "eve") is None


async def test_a_disabled_user_is_refused_everywhere_within_two_seconds(
    processes: list[Client], db: Database
) -> None:
    await known(processes, "ann", db)
    response = await processes[0].post("/api/jobs/users/ann/disable", headers=ROOT)
    assert (response.status, (await response.json())["disabled_at"] is not None) == (200, True)

    async def refused() -> bool:
        return [await asked(client, bearer("ann")) for client in processes] == [401] * 3

    assert await until(refused) < 2
    told = await processes[1].get("/api/prospects", headers=bearer("ann"))
    assert "disabled" in told.headers["WWW-Authenticate"]
    assert await asked(processes[2], bearer("bob")) == 200

    await processes[0].post("/api/jobs/users/ann/enable", headers=ROOT)

    async def let_in() -> bool:
        return [await asked(client, bearer("ann")) for client in processes] == [200] * 3

    assert await until(let_in) < 2


async def test_a_process_that_starts_refuses_at_once(
    processes: list[Client], db: Database, given: dict[str, Any]
) -> None:
    await known(processes, "ann", db)
    await db.execute(DISABLE, "ann")
    app = build_prospects(ProspectsSettings.model_validate(given))
    async with TestClient(TestServer(app)) as late:
        assert await asked(late, bearer("ann")) == 401


async def test_disabling_is_written_to_the_trail_once(
    processes: list[Client], db: Database
) -> None:
    await known(processes, "ann", db)
    for verb in ("disable", "disable", "enable", "enable"):
        response = await processes[0].post(f"/api/jobs/users/ann/{verb}", headers=ROOT)
        assert response.status == 200
    trail = [dict(row) for row in await db.fetch(TRAIL)]
    assert [(entry["subject"], entry["action"]) for entry in trail] == [
        ("root", "disable"),
        ("root", "enable"),
    ]
    assert trail[0]["before"] == {"disabled_at": None}
    assert trail[1]["after"] == {"disabled_at": None}


async def test_users_are_listed_by_filter(processes: list[Client], db: Database) -> None:
    jobs = processes[0]
    for user, role in (("a|1", Role.VIEWER), ("b@x.org", Role.ANALYST), ("c", Role.VIEWER)):
        assert await asked(jobs, bearer(user, role)) == 200
        await until(lambda user=user: db.fetchrow(ROW, user))  # type: ignore[misc]
    assert (await jobs.post("/api/jobs/users/a%7C1/disable", headers=ROOT)).status == 200

    async def subjects(query: str) -> list[str]:
        response = await jobs.get(f"/api/jobs/users?{query}", headers=ROOT)
        return [user["subject"] for user in (await response.json())["users"]]

    assert await subjects("role=viewer") == ["a|1", "c"]
    assert await subjects("disabled=true") == ["a|1"]
    assert await subjects("role=analyst&disabled=false&limit=1") == ["b@x.org"]


@pytest.mark.parametrize(
    ("user", "verb", "status"),
    [("nobody", "disable", 404), ("nobody", "enable", 404), ("root", "disable", 409)],
)
async def test_what_cannot_be_done_is_said(
    processes: list[Client], user: str, verb: str, status: int
) -> None:
    response = await processes[0].post(f"/api/jobs/users/{user}/{verb}", headers=ROOT)
    assert response.status == status


async def test_the_last_set_counts_while_the_database_is_away(db: Database) -> None:
    given: list[frozenset[str]] = []
    users = Users(0.05)
    await db.execute(Query("test_add", "INSERT INTO users (subject, role) VALUES ('x', 'viewer')"))
    await db.execute(DISABLE, "x")
    async with users.open(db, given.append):
        assert given == [frozenset({"x"})]
        await db.execute(Query("test_hide", "ALTER TABLE users RENAME TO hidden"))
        users.saw(Principal("late", Role.VIEWER))
        await asyncio.sleep(0.3)
        assert set(given) == {frozenset({"x"})}
        await db.execute(Query("test_show", "ALTER TABLE hidden RENAME TO users"))
        await until(lambda: db.fetchrow(ROW, "late"))


async def test_a_caller_is_written_once_by_a_process(processes: list[Client]) -> None:
    users = processes[1].app[GUARD].users
    for _ in range(3):
        await asked(processes[1], bearer("ann"))
    assert len([principal for principal in users._seen if principal.sub == "ann"]) == 1
