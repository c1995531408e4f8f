"""Quarantine, sources, audit trail and usage over HTTP, without a worker."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.db import Database
from services.common.http.token import make
from services.common.jobs import NewJob, enqueue
from services.common.kafka.ledger import Ledger
from services.common.types import Role
from services.jobs.app import build
from services.jobs.settings import JobsSettings
from tests.integration.jobs.support import row, sql

SECRET = "a secret that is long enough for HS256"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def api(environment: dict[str, str], db: Database) -> AsyncIterator[Client]:
    await sql(
        db,
        "INSERT INTO quarantine (register, dataset, row_key, row_text, reason) VALUES"
        " ('co', 'd', '1', '{\"a\": 1}', 'column a is missing'),"
        " ('co', 'd', '2', 'garbage', 'not JSON: 100% wrong'),"
        " ('ct', 'd', '3', '{}', 'column b is no date')",
    )
    given = {key.lower(): value for key, value in environment.items()} | {"jwt_secret": SECRET}
    async with TestClient(TestServer(build(JobsSettings.model_validate(given)))) as client:
        yield client


async def call(
    api: Client, method: str, path: str, role: Role = Role.ADMIN, key: str = "", **options: Any
) -> Any:
    """Status and body."""
    settings = JobsSettings.model_validate({"database_url": "postgres://x", "jwt_secret": SECRET})
    headers = {"Authorization": f"Bearer {make(settings, role, f'u-{role}')}"}
    headers |= {"Idempotency-Key": key} if key else {}
    answer = await api.request(method, f"/api/jobs{path}", headers=headers, **options)
    return answer.status, await answer.json()


async def ids(api: Client, query: str) -> list[int]:
    status, body = await call(api, "GET", f"/quarantine{query}", Role.VIEWER)
    assert status == 200, body
    assert body["pagination"]["total"] == len(body["quarantine"])
    return [entry["id"] for entry in body["quarantine"]]


async def test_bad_rows_are_listed_newest_first_and_filtered(api: Client) -> None:
    assert await ids(api, "") == [3, 2, 1]
    assert await ids(api, "?register=co") == [2, 1]
    assert await ids(api, "?reason=COLUMN") == [3, 1]
    assert await ids(api, "?reason=100%25") == [2]
    assert await ids(api, "?state=discarded") == []
    assert (await call(api, "GET", "/quarantine?state=shut"))[0] == 400


async def test_one_bad_row(api: Client) -> None:
    _, body = await call(api, "GET", "/quarantine/2", Role.VIEWER)
    assert (body["register"], body["row_text"], body["state"]) == ("co", "garbage", "open")
    assert (await call(api, "GET", "/quarantine/4"))[0] == 404


async def test_a_discarded_row_says_why_and_by_whom(api: Client, db: Database) -> None:
    note = {"reason": "a test row of the office"}
    status, body = await call(api, "POST", "/quarantine/1/discard", Role.ANALYST, json=note)
    assert (status, body["state"], body["note"]) == (200, "discarded", note["reason"])
    assert body["resolved_by"] == "u-analyst" and body["resolved_at"]
    again = await call(api, "POST", "/quarantine/1/discard", json=note)
    assert (again[0], again[1]["state"]) == (409, "discarded")
    (noted,) = (await call(api, "GET", "/audit?entity=quarantine"))[1]["audit"]
    assert (noted["action"], noted["before"]["state"]) == ("discard", "open")
    assert noted["after"]["note"] == note["reason"]


async def test_a_replay_is_a_job_with_the_corrected_row(api: Client, db: Database) -> None:
    body = {"row": {"a": "x", "b": 2.5, "c": None, "d": {"e": True}}}
    first = await call(api, "POST", "/quarantine/1/replay", Role.ANALYST, "k", json=body)
    assert first[0] == 202
    stored = await row(db, first[1]["id"])
    assert (stored["kind"], stored["queue"]) == ("ingestion.replay", "ingestion")
    assert stored["args"] == {"source": "co", "entry": 1, **body}
    assert (await call(api, "GET", "/quarantine/1"))[1]["replay_job_id"] == stored["id"]
    assert await call(api, "POST", "/quarantine/1/replay", Role.ANALYST, "k", json=body) == first
    trail = (await call(api, "GET", "/audit?subject=u-analyst"))[1]["audit"]
    assert [(e["entity"], e["action"]) for e in trail] == [
        ("quarantine", "replay"),
        ("job", "create"),
    ]


@pytest.mark.parametrize("wrong", [{}, {"a": [[1]]}, {"a": 10**30}, [], "x"])
async def test_a_row_that_is_none_is_refused(api: Client, wrong: Any) -> None:
    assert (await call(api, "POST", "/quarantine/1/replay", json={"row": wrong}))[0] == 400


async def test_viewers_may_look_but_not_act(api: Client) -> None:
    for role in (Role.VIEWER, Role.SERVICE):
        assert (await call(api, "POST", "/quarantine/1/replay", role, json={}))[0] == 403
        note = {"reason": "x"}
        assert (await call(api, "POST", "/quarantine/1/discard", role, json=note))[0] == 403
    for role in (Role.VIEWER, Role.SERVICE, Role.ANALYST):
        assert (await call(api, "GET", "/audit", role))[0] == 403
        assert (await call(api, "GET", "/usage", role))[0] == 403


async def test_sources_with_their_last_run(api: Client, db: Database) -> None:
    await sql(
        db,
        "INSERT INTO data_sources (name, kind, covered_until) VALUES"
        " ('co', 'register', '2026-09-01'), ('weather', 'enrichment', NULL)",
    )
    run = NewJob("ingestion", "ingestion", {"source": "co"}, max_attempts=1)
    job_id = await enqueue(db, run)
    (claim,) = await Ledger(db, "w").claim("ingestion", 1)
    await Ledger(db, "w").fail(claim.job, ValueError("the register is away"))
    status, body = await call(api, "GET", "/sources", Role.VIEWER)
    found = {source["name"]: source for source in body["sources"]}
    assert (status, list(found)) == (200, ["co", "ct", "fl", "or", "sample", "weather"])
    assert (found["co"]["covered_until"], found["co"]["open_quarantine"]) == ("2026-09-01", 2)
    assert found["co"]["last_error"] == "the register is away"
    assert found["co"]["last_run"]["id"] == job_id
    assert found["co"]["last_run"]["error"]["traceback"] is None
    assert (found["or"]["last_run"], found["or"]["open_quarantine"]) == (None, 0)


async def test_a_source_says_why_it_is_not_asked_and_what_is_left_of_its_quota(
    api: Client, db: Database
) -> None:
    await sql(
        db,
        "INSERT INTO data_sources (name, kind, configured, note, monthly_quota, quota_used,"
        " quota_month) VALUES ('weather', 'enrichment', false, 'not configured: set KEY', 10, 3,"
        " date_trunc('month', now() AT TIME ZONE 'UTC'))",
    )
    _, body = await call(api, "GET", "/sources", Role.VIEWER)
    found = {source["name"]: source for source in body["sources"]}
    told = ("kind", "configured", "note", "monthly_quota", "quota_used")
    assert [found["weather"][name] for name in told] == [
        "enrichment", False, "not configured: set KEY", 10, 3,
    ]  # fmt: skip
    assert [found["co"][name] for name in told] == ["register", True, None, None, 0]


async def test_job_requests_are_audited_and_idempotent(api: Client, db: Database) -> None:
    first = await call(api, "POST", "/scoring", Role.ANALYST, "k", json={})
    await sql(db, "UPDATE jobs SET state = 'cancelled', finished_at = now()")
    assert await call(api, "POST", "/scoring", Role.ANALYST, "k", json={}) == first
    other = await call(api, "POST", "/scoring", Role.ANALYST, "k", json={"as_of": "2026-09-01"})
    assert (other[0], other[1]["code"]) == (422, "idempotency_key_reused")
    await call(api, "POST", "/scoring", Role.ANALYST, json={})
    await call(api, "POST", "/scoring", Role.ANALYST, json={})  # meets the live job: no change
    trail = (await call(api, "GET", "/audit?entity=job&action=create"))[1]
    assert trail["pagination"]["total"] == 2
    assert trail["audit"][1]["entity_id"] == str(first[1]["id"])
    assert trail["audit"][1]["after"] == {"kind": "scoring", "args": {}}
    assert trail["audit"][1]["request_id"]


async def test_the_trail_is_filtered_by_time_and_id(api: Client, db: Database) -> None:
    await call(api, "POST", "/scoring", json={})
    await sql(db, "UPDATE audit_logs SET at = '2026-09-01T12:00:00Z'")

    async def total(query: str) -> int:
        return int((await call(api, "GET", f"/audit?{query}"))[1]["pagination"]["total"])

    assert await total("since=2026-09-01T12:00:00Z") == 1
    assert await total("since=2026-09-01T12:00:01Z") == 0
    assert await total("entity=job&entity_id=1") == 1
    assert await total("entity_id=2") == 0
    assert (await call(api, "GET", "/audit?since=2026-09-01T12:00:00"))[0] == 400


async def test_usage_is_listed_latest_hour_first(api: Client, db: Database) -> None:
    await sql(
        db,
        "INSERT INTO usage_tracking (subject, endpoint, hour, requests, errors, duration_ms) VALUES"
        " ('ann', 'GET /x', '2026-09-01T10:00Z', 5, 1, 70),"
        " ('ann', 'GET /x', '2026-09-01T11:00Z', 6, 0, 80),"
        " ('bob', 'GET /x', '2026-09-01T11:00Z', 7, 0, 90)",
    )

    async def requests(query: str) -> list[int]:
        return [e["requests"] for e in (await call(api, "GET", f"/usage?{query}"))[1]["usage"]]

    assert await requests("endpoint=GET%20/x") == [6, 7, 5]
    assert await requests("subject=ann") == [6, 5]
    assert await requests("since=2026-09-01T11:00:00Z&subject=bob") == [7]
