"""Bad rows are looked at, corrected and replayed over HTTP, by the real worker."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.db import Database
from services.common.http.token import make
from services.common.sql import Query
from services.common.types import Role
from services.jobs.app import build
from services.jobs.settings import JobsSettings
from services.sample_register.dirt_rows import UNUSABLE
from tests.integration.ingestion.conftest import AS_OF, PAGE
from tests.support.ingestion import finished, ingest, ingestion_worker
from tests.support.register import Register

SECRET = "a secret that is long enough for HS256"
Client = TestClient[web.Request, web.Application]
NAME = UNUSABLE.split("|")[0]


@pytest.fixture
async def db(environment: dict[str, str], register: Register) -> AsyncIterator[Database]:
    """A database that the sample was read into, with the worker still running."""
    async with ingestion_worker(environment, ingest_page_size=PAGE) as pool:
        await ingest(pool, "sample", as_of=AS_OF.isoformat())
        yield pool


@pytest.fixture
async def api(environment: dict[str, str], db: Database) -> AsyncIterator[Client]:
    given = {key.lower(): value for key, value in environment.items()} | {"jwt_secret": SECRET}
    settings = JobsSettings.model_validate(given)
    bearer = {"Authorization": f"Bearer {make(settings, Role.ADMIN, 'ann')}"}
    async with TestClient(TestServer(build(settings)), headers=bearer) as client:
        yield client


async def get(api: Client, path: str) -> Any:
    answer = await api.get(f"/api/jobs{path}")
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def post(api: Client, path: str, body: Any) -> Any:
    answer = await api.post(f"/api/jobs{path}", json=body)
    return answer.status, await answer.json()


async def bad(api: Client, reason: str) -> tuple[int, dict[str, Any]]:
    """Id and row of the latest entry with this reason."""
    found = await get(api, f"/quarantine?register=sample&state=open&reason={reason}")
    entry = found["quarantine"][0]
    return entry["id"], orjson.loads(entry["row_text"])


async def replay(api: Client, db: Database, entry: int, row: Any) -> dict[str, Any]:
    """Ask for a replay; the job once it is final."""
    status, job = await post(
        api, f"/quarantine/{entry}/replay", {} if row is None else {"row": row}
    )
    assert (status, job["kind"]) == (202, "ingestion.replay"), job
    return await finished(db, job["id"])


async def column(db: Database, sql: str, *args: object) -> list[Any]:
    return [row[0] for row in await db.fetch(Query("test_column", sql), *args)]


async def parties(db: Database, number: str) -> list[Any]:
    return await column(
        db,
        "SELECT name FROM filing_parties JOIN ucc_filings AS f ON f.id = filing_id"
        " WHERE filing_number = $1 ORDER BY name",
        number,
    )


async def test_a_corrected_filing_is_read_with_everything_that_hangs_on_it(
    api: Client, db: Database
) -> None:
    entry, row = await bad(api, "filingdate is missing")
    row["filingdate"] = "2026-09-11T00:00:00.000"
    job = await replay(api, db, entry, row)
    assert (job["state"], job["result"]["new"], job["error"]) == ("succeeded", 1, None)
    assert NAME in await parties(db, row["transactionid"])
    shown = await get(api, f"/quarantine/{entry}")
    assert (shown["state"], shown["resolved_by"]) == ("replayed", "ann")
    assert (shown["corrected_row"], shown["replay_job_id"]) == (row, job["id"])
    trail = (await get(api, f"/audit?entity=quarantine&entity_id={entry}"))["audit"]
    assert [(each["action"], each["subject"]) for each in trail] == [
        ("replayed", f"job:{job['id']}"),
        ("replay", "ann"),
    ]
    assert (await post(api, f"/quarantine/{entry}/replay", {}))[0] == 409


async def test_a_correction_outlives_the_next_run(api: Client, db: Database) -> None:
    entry, row = await bad(api, "names nobody")
    (number,) = await column(
        db, "SELECT e.document_number FROM filing_events AS e WHERE source_id = $1", row["fileid"]
    )
    before = await parties(db, number)
    right = row | {"organizationname": "CORRECTED BY HAND LLC"}
    job = await replay(api, db, entry, right)
    assert (job["state"], job["result"]["changed"]) == ("succeeded", 1)
    assert await parties(db, number) == sorted([*before, "CORRECTED BY HAND LLC"])
    run = await ingest(db, "sample", as_of=AS_OF.isoformat())
    assert (run["result"]["new"], run["result"]["changed"]) == (0, 0)
    assert await parties(db, number) == sorted([*before, "CORRECTED BY HAND LLC"])


async def test_a_row_without_its_number_gets_one(api: Client, db: Database) -> None:
    entry, row = await bad(api, "transactionid is missing")
    job = await replay(api, db, entry, row | {"transactionid": "20269999999"})
    assert (job["state"], job["result"]["new"]) == ("succeeded", 1)
    assert NAME in await parties(db, "20269999999")
    run = await ingest(db, "sample", as_of=AS_OF.isoformat())
    assert (run["result"]["new"], run["result"]["changed"]) == (0, 0)


async def test_a_row_that_is_still_bad_stays_open_with_the_new_reason(
    api: Client, db: Database
) -> None:
    entry, row = await bad(api, "filingdate is missing")
    job = await replay(api, db, entry, row | {"filingdate": "soon"})
    reason = "column filingdate is no date: 'soon'"
    assert (job["state"], job["attempt"]) == ("dead", 1)
    assert job["error"]["message"] == f"The row still cannot be read: {reason}"
    shown = await get(api, f"/quarantine/{entry}")
    assert (shown["state"], shown["reason"], shown["resolved_at"]) == ("open", reason, None)
    assert await column(db, "SELECT 1 FROM quarantine WHERE row_text LIKE '%soon%'") == []


async def test_a_replay_without_a_correction_reads_what_the_register_has_now(
    api: Client, db: Database
) -> None:
    entry, _ = await bad(api, "filingdate is missing")
    assert (await replay(api, db, entry, None))["state"] == "dead"
    sound = orjson.dumps({"transactionid": "2009F062713"}).decode()
    await db.execute(
        Query("sound", "UPDATE quarantine SET row_text = $2 WHERE id = $1"), entry, sound
    )
    assert (await replay(api, db, entry, None))["state"] == "succeeded"
    assert (await get(api, f"/quarantine/{entry}"))["corrected_row"] is None
