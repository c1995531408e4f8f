"""The jobs API over the real ledger."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.db import Database
from services.common.errors import SourceRejected
from services.common.jobs import Done, FanOut, enqueue, enqueue_many
from services.common.kafka.ledger import Ledger
from services.jobs.app import build
from services.jobs.scheduler import fire_due, seed
from services.jobs.settings import JobsSettings
from tests.integration.jobs.support import QUEUE, context_of, job, row, sql
from tests.support.stack import TestDatabase

SECRET = "a secret that is long enough for HS256"
SHAPE = {
    "id", "kind", "state", "attempt", "max_attempts", "progress", "error",
    "created_at", "started_at", "finished_at",
}  # fmt: skip
Client = TestClient[web.Request, web.Application]
ID = "5f0d3c35-0000-4000-8000-000000000001"


def bearer(role: str) -> dict[str, str]:
    claims = {"sub": "u-1", "role": role, "exp": datetime.now(UTC) + timedelta(hours=1)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}"}


@pytest.fixture
async def api(database: TestDatabase) -> AsyncIterator[Client]:
    settings = JobsSettings.model_validate({"database_url": database.url, "jwt_secret": SECRET})
    async with TestClient(TestServer(build(settings)), headers=bearer("analyst")) as client:
        yield client


async def ask(api: Client, kind: str, body: Any = None, role: str = "analyst") -> Any:
    """POST; status, body and Location."""
    answer = await api.post(f"/api/jobs/{kind}", json=body, headers=bearer(role))
    return answer.status, await answer.json(), answer.headers.get("Location")


async def look(api: Client, path: str = "", role: str = "analyst") -> Any:
    """GET; the body of a 200."""
    answer = await api.get(f"/api/jobs{path}", headers=bearer(role))
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_request_for_work_is_accepted(api: Client, db: Database) -> None:
    status, body, location = await ask(api, "ingestion", {"source": "co", "since": "2026-09-01"})
    stored = await row(db, body["id"])
    assert (status, location) == (202, f"/api/jobs/{body['id']}")
    assert body.keys() == SHAPE
    assert (body["kind"], body["state"], body["attempt"]) == ("ingestion", "queued", 0)
    assert (stored["queue"], stored["created_by"]) == ("ingestion", "u-1")
    assert stored["args"] == {"source": "co", "since": "2026-09-01"}
    assert stored["request_id"]


async def test_the_same_ingestion_twice_is_one_job(api: Client) -> None:
    body = {"source": "co", "since": "2026-09-01"}
    first, again = await ask(api, "ingestion", body), await ask(api, "ingestion", body)
    other = await ask(api, "ingestion", body | {"since": "2026-09-02"})
    assert first == again
    assert other[1]["id"] != first[1]["id"]


async def test_a_source_that_nobody_knows_is_refused_with_those_known(api: Client) -> None:
    status, body, _ = await ask(api, "ingestion", {"source": "tx"})
    assert (status, body["code"]) == (400, "validation_failed")
    assert "'co', 'ct', 'fl', 'or' or 'sample'" in body["detail"]


@pytest.mark.parametrize(
    ("kind", "body"), [("enrichment", {"prospect_ids": [ID]}), ("scoring", {})]
)
async def test_other_kinds_of_work(api: Client, kind: str, body: Any) -> None:
    status, answer, _ = await ask(api, kind, body)
    assert (status, answer["kind"]) == (202, kind)


async def test_scoring_needs_no_body(api: Client) -> None:
    assert (await ask(api, "scoring"))[0] == 202


async def test_viewers_may_look_but_not_ask(api: Client) -> None:
    assert (await ask(api, "scoring", {}, role="viewer"))[0] == 403
    assert (await ask(api, "scoring", {}, role="service"))[0] == 202
    assert (await look(api, role="viewer"))["pagination"]["total"] == 1


async def test_the_list_is_newest_first_in_pages(api: Client, db: Database) -> None:
    ids = await enqueue_many(db, [job() for _ in range(45)])
    body = await look(api, "?limit=20&page=3")
    assert [each["id"] for each in body["jobs"]] == ids[4::-1]
    assert body["pagination"] == {"page": 3, "limit": 20, "total": 45, "totalPages": 3}
    assert body["jobs"][0].keys() == SHAPE


async def test_the_list_can_be_filtered(api: Client, db: Database) -> None:
    await enqueue_many(db, [job("a"), job("b"), job("a")])
    await Ledger(db, "w").claim(QUEUE, 1)
    assert (await look(api, "?kind=a"))["pagination"]["total"] == 2
    assert (await look(api, "?kind=a&state=running"))["pagination"]["total"] == 1
    assert (await look(api, "?queue=ingestion"))["jobs"] == []
    assert (await api.get("/api/jobs?state=done")).status == 400
    assert (await api.get("/api/jobs?limit=101")).status == 400


async def test_one_job_in_full(api: Client, db: Database) -> None:
    job_id = await enqueue(db, job(args={"x": 1}))
    (claim,) = await Ledger(db, "w").claim(QUEUE, 1)
    await Ledger(db, "w").record(claim.job, Done({"rows": 3}))
    body = await look(api, f"/{job_id}")
    assert body.keys() > SHAPE
    assert (body["state"], body["args"], body["result"]) == ("succeeded", {"x": 1}, {"rows": 3})
    assert (body["error"], body["parent_id"], body["children"]) == (None, None, {})
    assert body["started_at"] and body["finished_at"]


async def test_a_job_that_is_not_there(api: Client) -> None:
    assert (await api.get("/api/jobs/4711")).status == 404
    assert (await api.get("/api/jobs/abc")).status == 400
    assert (await api.get("/api/jobs/0")).status == 400


async def test_a_parent_shows_its_children_while_they_run_and_afterwards(
    api: Client, db: Database
) -> None:
    ledger = Ledger(db, "w")
    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child"), job("child")], {"phase": "pages"}))
    one, two = await ledger.claim(QUEUE, 2)
    await ledger.record(one.job, Done({"new": 3}))
    expected = {"phase": "pages", "new": 3, "children": {"running": 1, "succeeded": 1}}
    body = await look(api, f"/{parent}")
    assert (body["state"], body["progress"]) == ("running", expected)
    assert body["children"] == {"running": 1, "succeeded": 1}
    assert (await look(api, "?kind=parent"))["jobs"][0]["progress"] == expected
    await ledger.record(two.job, Done({"new": 4}))
    await ledger.settle([parent])
    assert (await look(api, f"/{parent}"))["progress"] == {
        "phase": "pages", "new": 7, "children": {"succeeded": 2},
    }  # fmt: skip
    assert (await look(api, f"/{one.job.id}"))["parent_id"] == parent


async def test_an_error_has_its_traceback_for_admins_only(api: Client, db: Database) -> None:
    job_id = await enqueue(db, job(max_attempts=1))
    (claim,) = await Ledger(db, "w").claim(QUEUE, 1)
    await Ledger(db, "w").fail(claim.job, ValueError("no"))
    error = (await look(api, f"/{job_id}"))["error"]
    assert (error["class"], error["message"], error["traceback"]) == ("ValueError", "no", None)
    assert (await look(api))["jobs"][0]["error"]["traceback"] is None
    assert "ValueError" in (await look(api, f"/{job_id}", "admin"))["error"]["traceback"]


async def test_a_hundred_thousand_jobs_do_not_slow_the_list(api: Client, db: Database) -> None:
    await enqueue_many(db, [job() for _ in range(1000)])
    await sql(
        db, "INSERT INTO jobs (kind, queue) SELECT 'b', $1 FROM generate_series(1, 99000)", QUEUE
    )
    await sql(db, "ANALYZE jobs")
    waits = []
    for _ in range(5):
        started = datetime.now(UTC)
        assert (await look(api, "?state=queued&limit=100"))["pagination"]["total"] == 100_000
        waits.append(datetime.now(UTC) - started)
    assert min(waits) < timedelta(seconds=1)  # the others tell how busy the machine is


async def test_an_admin_pauses_limits_and_resumes_a_queue(api: Client, db: Database) -> None:
    await enqueue(db, job())
    status, body, _ = await ask(api, f"queues/{QUEUE}/pause", {"reason": "upgrade"}, "admin")
    assert (status, body["paused"], body["reason"], body["paused_by"]) == (
        200, True, "upgrade", "u-1",
    )  # fmt: skip
    assert await Ledger(db, "w").claim(QUEUE, 1) == []
    limits = {"concurrency": 2, "rate": 5}
    answer = await api.patch(f"/api/jobs/queues/{QUEUE}", json=limits, headers=bearer("admin"))
    assert (await answer.json())["rate"] == 5
    status, body, _ = await ask(api, f"queues/{QUEUE}/resume", role="admin")
    assert (status, body["paused"], body["concurrency"]) == (200, False, 2)
    found = {each["name"]: each for each in (await look(api, "/queues", "viewer"))["queues"]}
    assert (found[QUEUE]["due"], found["ingestion"]["due"]) == (1, 0)
    assert (await ask(api, "queues/nonsense/pause", {}, "admin"))[0] == 400


async def dead_job(db: Database, error: str = "410", **fields: Any) -> int:
    job_id = await enqueue(db, job(**fields))
    ledger = Ledger(db, "w")
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, SourceRejected(error))
    return job_id


async def test_a_dead_job_is_looked_into_and_started_over(api: Client, db: Database) -> None:
    job_id = await dead_job(db)
    (group,) = (await look(api, "/dead", "viewer"))["dead"]
    assert (group["jobs"], group["error_class"], group["last_id"]) == (1, "SourceRejected", job_id)
    assert (await look(api, f"?fingerprint={group['fingerprint']}"))["pagination"]["total"] == 1
    (attempt,) = (await look(api, f"/{job_id}/attempts"))["attempts"]
    assert (attempt["error"]["message"], attempt["error"]["traceback"]) == ("410", None)
    (seen,) = (await look(api, f"/{job_id}/attempts", "admin"))["attempts"]
    assert "SourceRejected" in seen["error"]["traceback"]
    assert (await ask(api, f"{job_id}/retry", {}))[:2] == (200, {"jobs": [job_id]})
    status, body, _ = await ask(api, f"{job_id}/retry", {})
    assert (status, body["detail"]) == (409, f"Job {job_id} is queued: it cannot start over")


async def test_a_job_is_cancelled_over_http(api: Client, db: Database) -> None:
    job_id = await enqueue(db, job())
    assert (await ask(api, f"{job_id}/cancel", {"reason": "twice"}))[1] == {"jobs": [job_id]}
    body = await look(api, f"/{job_id}")
    assert body["state"] == "cancelled" and body["cancel_requested_at"]
    assert (await ask(api, f"{job_id}/cancel", {}))[0] == 409
    assert (await ask(api, "4711/cancel", {}))[0] == 404


async def test_a_replay_over_http_points_both_ways(api: Client, db: Database) -> None:
    job_id = await dead_job(db, args={"source": "co"})
    status, body, location = await ask(api, f"{job_id}/replay", {"args": {"source": "ct"}}, "admin")
    assert (status, location) == (202, f"/api/jobs/{body['id']}")
    assert (await look(api, f"/{job_id}"))["replaced_by"] == body["id"]
    again = await look(api, f"/{body['id']}")
    assert (again["replay_of"], again["args"]) == (job_id, {"source": "ct"})
    assert (await ask(api, f"{job_id}/replay", {}, "admin"))[0] == 409


async def test_a_waiting_job_is_given_another_priority(api: Client, db: Database) -> None:
    job_id = await enqueue(db, job())
    path, admin = f"/api/jobs/{job_id}", bearer("admin")
    answer = await api.patch(path, json={"priority": 1}, headers=admin)
    assert (await answer.json())["priority"] == 1
    await Ledger(db, "w").claim(QUEUE, 1)
    assert (await api.patch(path, json={"priority": 2}, headers=admin)).status == 409


async def test_the_log_of_a_job_is_read_from_a_line_on(api: Client, db: Database) -> None:
    job_id = await enqueue(db, job())
    ledger = Ledger(db, "w")
    (claim,) = await ledger.claim(QUEUE, 1)
    for text in ("one", "two", "three"):
        await context_of(claim, ledger).log(text)
    body = await look(api, f"/{job_id}/log?after=1", "viewer")
    assert [line["message"] for line in body["log"]] == ["two", "three"]


async def test_jobs_are_found_by_argument_class_and_time(api: Client, db: Database) -> None:
    job_id = await dead_job(db, args={"source": "co", "n": 5})
    await enqueue(db, job(args={"source": "ct"}))
    for query in ("arg=source=co", "arg=n=5", "error_class=SourceRejected", "state=dead"):
        assert [each["id"] for each in (await look(api, f"?{query}"))["jobs"]] == [job_id], query
    assert (await look(api, "?until=2026-01-01T00:00:00Z"))["jobs"] == []
    assert (await look(api, "?since=2026-01-01T00:00:00Z"))["pagination"]["total"] == 2


async def test_a_bulk_action_is_a_job_over_what_there_is_now(api: Client, db: Database) -> None:
    job_id = await dead_job(db)
    wanted = {"action": "retry", "filter": {"state": "dead"}, "reason": "the source is back"}
    status, body, _ = await ask(api, "bulk", wanted, "admin")
    stored = await row(db, body["id"])
    assert (status, stored["kind"], stored["queue"]) == (202, "jobs.bulk", "maintenance")
    assert stored["args"]["until_id"] == job_id
    assert (await ask(api, "bulk", wanted, "admin"))[1]["id"] == body["id"]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "retry", "filter": {}},
        {"action": "prioritise", "filter": {"state": "queued"}},
        {"action": "retry", "filter": {"state": "dead"}, "priority": 1},
        {"action": "explode", "filter": {"state": "dead"}},
        {"action": "retry", "filter": {"state": "dead", "x": 1}},
    ],
)
async def test_a_bulk_request_that_means_nothing_is_refused(api: Client, body: Any) -> None:
    assert (await ask(api, "bulk", body, "admin"))[0] == 400


async def test_schedules_are_seen_edited_run_and_remembered(api: Client, db: Database) -> None:
    await seed(db, ["co"])
    await fire_due(db)
    found = {each["name"]: each for each in (await look(api, "/schedules", "viewer"))["schedules"]}
    assert found["ingestion.co"]["cron"] == "0 2 * * *" and found["ingestion.co"]["next_run_at"]
    path, admin = "/api/jobs/schedules/ingestion.co", bearer("admin")
    answer = await api.patch(path, json={"cron": "15 3 * * *"}, headers=admin)
    assert (await answer.json())["cron"] == "15 3 * * *"
    answer = await api.patch(path, json={"cron": "nonsense"}, headers=admin)
    assert (answer.status, (await answer.json())["code"]) == (400, "bad_schedule")
    status, body, location = await ask(api, "schedules/ingestion.co/run", role="admin")
    assert (status, body["kind"], location) == (202, "ingestion", f"/api/jobs/{body['id']}")
    (run,) = (await look(api, "/schedules/ingestion.co/runs"))["runs"]
    assert (run["cause"], run["job_id"], run["state"], run["created_by"]) == (
        "hand", body["id"], "queued", "u-1",
    )  # fmt: skip
    assert (await ask(api, "schedules/nonsense/run", role="admin"))[0] == 404
