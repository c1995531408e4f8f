"""What the upload takes and refuses, over HTTP; nothing is kept of what it refuses."""

import asyncio
from typing import Any

import aiohttp
import pytest

from services.common.db import Database
from services.common.http.token import make
from services.common.sql import Query
from services.common.types import Role
from services.jobs.routes_files import PLACES
from services.jobs.settings import JobsSettings
from tests.integration.files.conftest import SECRET, Client, send, serving
from tests.support.unloads import (
    ca_filing,
    california,
    fl_filing,
    florida,
    iaca,
    record,
    zipped,
)
from tests.support.waiting import until

FILINGS = florida(filings=[fl_filing("1", "01/01/2026", "01/01/2031")])
(FILE,) = FILINGS.values()
KEPT = Query("test_kept", "SELECT (SELECT count(*) FROM uploads) + (SELECT count(*) FROM jobs)")
AUDIT = Query("test_audit", "SELECT subject, after FROM audit_logs WHERE action = 'upload'")
MEMBERS = Query("test_members", "SELECT name, dataset FROM upload_members ORDER BY member")


async def post(api: Client, data: Any, kind: str | None = None, **query: str) -> Any:
    """Send one body; status and answer."""
    headers = {"Content-Type": kind} if kind else {}
    params = {"format": "fl"} | query
    async with api.post(
        "/api/jobs/ingestion/files", params=params, data=data, headers=headers
    ) as answer:
        return answer.status, await answer.json()


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/csv", "application/zip"])
async def test_one_file_may_be_the_body(api: Client, db: Database, kind: str) -> None:
    data = zipped(FILINGS) if kind == "application/zip" else FILE
    status, job = await post(api, data, kind, name="daily.csv")
    assert (status, job["kind"], job["state"]) == (202, "ingestion.file", "queued")
    entry = "/filings_full.csv" if kind == "application/zip" else ""
    assert [tuple(r) for r in await db.fetch(MEMBERS)] == [(f"daily.csv{entry}", "filings")]


async def test_the_answer_is_a_job_that_the_api_shows(api: Client, db: Database) -> None:
    status, job = await send(api, "fl", FILINGS)
    assert status == 202
    async with api.get(f"/api/jobs/{job['id']}") as answer:
        shown = await answer.json()
    assert shown["args"].items() >= {"format": "fl", "source": "fl"}.items()
    [(subject, after)] = [tuple(row) for row in await db.fetch(AUDIT)]
    assert subject == "ann"
    assert after == {"format": "fl", "state": "FL", "files": ["filings_full.csv"]}


REFUSED: list[tuple[dict[str, str], bytes, int, str, str]] = [
    ({"format": "tx"}, FILE, 400, "/query/format", "'fl', 'ca' or 'iaca'"),
    ({"format": "iaca"}, iaca(record("1", "20260101")), 400, "/query/state", "state=CA"),
    ({"format": "iaca", "state": "ZZ"}, b"<a/>", 400, "/query/state", "'AL'"),
    ({"format": "fl", "state": "CA"}, FILE, 400, "/query/state", "FL or left out"),
    ({"format": "fl", "path": "/etc/passwd"}, FILE, 400, "/query/path", "not permitted"),
    ({"format": "fl", "url": "http://127.0.0.1/"}, FILE, 400, "/query/url", "not permitted"),
    ({"format": "fl"}, b"", 400, "", "The body is empty: send the file"),
    ({"format": "ca"}, FILE, 422, "", "is no file of California's master unload"),
    ({"format": "fl"}, zipped({"../x.csv": FILE}), 422, "", "leads out of the archive"),
    ({"format": "fl"}, zipped({"x.csv": bytes(1 << 22)}), 413, "", "200 times"),
    (
        {"format": "iaca", "state": "tx"},
        b"<!DOCTYPE d [<!ENTITY a 'b'>]><d><Record>&a;</Record></d>",
        422,
        "",
        "document type",
    ),
]


@pytest.mark.parametrize(
    ("query", "data", "status", "pointer", "why"), REFUSED, ids=[r[4] for r in REFUSED]
)
async def test_what_is_refused_says_why_and_leaves_nothing(
    api: Client,
    db: Database,
    query: dict[str, str],
    data: bytes,
    status: int,
    pointer: str,
    why: str,
) -> None:
    answered, problem = await post(api, data, "application/octet-stream", **query)
    assert answered == status, problem
    told = [problem["detail"], *(each["detail"] for each in problem.get("errors", ()))]
    assert any(why in each for each in told), problem
    assert [each["pointer"] for each in problem.get("errors", ())] == ([pointer] if pointer else [])
    assert await db.fetchval(KEPT) == 0


async def test_json_is_no_file(api: Client) -> None:
    status, problem = await post(api, b'{"path": "/etc/passwd"}', "application/json")
    assert (status, problem["code"]) == (415, "unsupported_media_type")


async def test_a_form_has_nothing_but_files(api: Client, db: Database) -> None:
    form = aiohttp.FormData({"path": "/etc/passwd"})
    form.add_field("file", FILE, filename="filings.csv")
    status, problem = await post(api, form)
    assert status == 400
    assert "must be a file" in problem["detail"]
    assert await db.fetchval(KEPT) == 0


@pytest.mark.parametrize(
    "body", [b"--b\r\nTrue--b--\r\n", b"--b\r\nA: " + b"x" * 9000 + b"\r\n\r\n--b--", b"nothing"]
)
async def test_a_form_that_is_none_is_refused(api: Client, db: Database, body: bytes) -> None:
    status, problem = await post(api, body, "multipart/form-data; boundary=b")
    assert (status, problem["code"]) == (400, "bad_request")
    assert await db.fetchval(KEPT) == 0


async def test_a_name_never_becomes_a_path(api: Client, db: Database) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", FILE, filename="../../etc/cron.d/x")
    assert (await post(api, form))[0] == 202
    assert [row["name"] for row in await db.fetch(MEMBERS)] == ["x"]


async def test_more_than_the_limit_is_refused_announced_or_not(
    environment: dict[str, str], db: Database
) -> None:
    async def pieces() -> Any:
        for _ in range(64):
            yield FILE * 100

    limit = len(FILE) * 200
    async with serving(environment, file_limit_bytes=limit) as api:
        assert (await post(api, FILE, "text/csv"))[0] == 202
        status, problem = await post(api, FILE * 201, "text/csv")
        assert (status, problem["code"]) == (413, "payload_too_large")
        status, problem = await post(api, pieces(), "text/csv")
        assert (status, problem["code"]) == (413, "payload_too_large")
        form = aiohttp.FormData()
        for name in ("a", "b"):
            form.add_field(name, FILE * 101, filename=name)
        assert (await post(api, form))[0] == 413
    assert await db.fetchval(KEPT) == 2


async def test_an_upload_is_larger_than_the_limit_of_other_bodies(
    environment: dict[str, str], db: Database
) -> None:
    async with serving(environment, body_limit_bytes=1000) as api:
        assert (await post(api, FILE * 1000, "text/csv"))[0] == 202


async def test_a_client_that_stops_sending_is_told(environment: dict[str, str]) -> None:
    async def stalls() -> Any:
        yield FILE
        await asyncio.sleep(3600)

    async with serving(environment, file_stall_s=0.1) as api:
        status, problem = await post(api, stalls(), "text/csv")
    assert (status, problem["code"]) == (408, "request_timeout")


async def test_an_upload_may_take_longer_than_a_request(
    environment: dict[str, str], db: Database
) -> None:
    async def slow() -> Any:
        for piece in (FILE[:10], FILE[10:]):
            await asyncio.sleep(0.3)
            yield piece

    async with serving(environment, request_deadline_s=0.2) as api:
        assert (await post(api, slow(), "text/csv"))[0] == 202


async def test_a_viewer_may_not_send_files(environment: dict[str, str], db: Database) -> None:
    read = JobsSettings.model_validate(
        {key.lower(): value for key, value in environment.items()} | {"jwt_secret": SECRET}
    )
    async with serving(environment) as api:
        api.session.headers["Authorization"] = f"Bearer {make(read, Role.VIEWER, 'vic')}"
        status, _ = await post(api, FILE, "text/csv")
    assert status == 403


async def test_only_so_many_uploads_are_taken_at_once(
    environment: dict[str, str], db: Database
) -> None:
    go = asyncio.Event()

    async def slow() -> Any:
        yield FILE[:10]
        await go.wait()
        yield FILE[10:]

    async with serving(environment, file_uploads_max=1) as api:
        first = asyncio.create_task(post(api, slow(), "text/csv"))
        await until(lambda: asyncio.sleep(0, api.app[PLACES].locked()))
        status, problem = await post(api, FILE, "text/csv")
        assert (status, problem["code"]) == (503, "unavailable")
        go.set()
        assert (await first)[0] == 202


async def test_californias_parties_are_told_by_name(api: Client, db: Database) -> None:
    files = california(filings=[ca_filing("1", "2026-01-01", "")])
    same = b'"UCC1_NUM"|"ORG_NAME"\r\n"1"|"A LLC"\r\n'
    status, _ = await send(api, "ca", files | {"Debtors.csv": same, "SecuredParties.csv": same})
    assert status == 202
    assert [row["dataset"] for row in await db.fetch(MEMBERS)] == ["filings", "debtors", "secured"]
