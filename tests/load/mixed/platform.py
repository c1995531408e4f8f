"""One run of the whole platform on a database of its own: ingest, enrich and score side by side."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp

from services.common.db import Database
from services.common.jobs import NewJob, enqueue_many
from services.common.sql import Query
from tests.load.mixed.faults import Awards, faulty_register
from tests.support.contents import contents
from tests.support.ingestion import finished, settled, until
from tests.support.processes import process
from tests.support.sources.stand_in import stand_in
from tests.support.stack import TestStack, create_database

PARTS = (
    "jobs relay", "pipelines.ingestion", "pipelines.enrichment", "pipelines.scoring",
    "pipelines.maintenance",
)  # fmt: skip
DOOMED = (
    NewJob("ingestion", "ingestion", {"source": "nowhere"}),
    NewJob("scoring", "scoring", {"as_of": "the day after"}),
    NewJob("scoring.batch", "scoring", {"prospect_ids": ["not an id"]}, max_attempts=1),
    NewJob("enrichment.batch", "enrichment", {"prospect_ids": []}, version=99),
    NewJob("no.such.kind", "enrichment", {}),
)
"""Jobs that nobody can do: one of each kind of reason."""
_TIMEOUT_S = 900
_IDS = Query("bench_ids", "SELECT id::text FROM prospects ORDER BY id")
_STATES = Query("bench_states", "SELECT state, count(*) AS jobs FROM jobs GROUP BY state")
_DEAD = Query("bench_dead", "SELECT id FROM jobs WHERE state = 'dead' ORDER BY id")
_KINDS = Query(
    "bench_kinds",
    "SELECT kind, count(*) AS jobs, sum(attempt) AS tries FROM jobs GROUP BY kind ORDER BY kind",
)
# A job that reads counts the documents it was the first to write, in the transaction that does.
_COUNTED = Query(
    "bench_counted",
    "SELECT (SELECT coalesce(sum((result ->> 'new')::bigint), 0) FROM jobs"
    " WHERE kind IN ('ingestion.page', 'ingestion.history'))::bigint AS counted,"
    " (SELECT count(*) FROM filing_events) AS written",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run left behind."""

    seconds: float
    told: dict[str, set[str]]
    states: dict[str, int]
    kinds: list[tuple[str, int, int]]
    dead: list[int]
    doomed: list[int]
    documents: tuple[int, int]  # counted as new by the jobs, and written
    failed: tuple[int, int]


async def run(
    stack: TestStack, name: str, folder: Path, settings: Mapping[str, str], *, wrong: bool
) -> Ended:
    """Everything once, with faults if `wrong`; then what the tables hold."""
    made = create_database(stack, name)
    source = Awards(wrong)
    async with stand_in(source.respond) as outside:
        env = stack.environment() | dict(settings) | {
            "DATABASE_URL": made.url, "DATABASE_DIRECT_URL": made.direct_url,
            "TOPIC_PREFIX": f"{name}.", "LOG_LEVEL": "WARNING",
            "SOURCE_USASPENDING_URL": outside.url,
        }  # fmt: skip
        await asyncio.to_thread(_prepare, stack, env)
        with ExitStack() as running:
            register = running.enter_context(process("services.sample_register", env, folder))
            env["SOURCE_SAMPLE_URL"] = register.url
            for part in PARTS:
                await asyncio.to_thread(
                    running.enter_context, process(f"services.{part}", env, folder)
                )
            jobs = await asyncio.to_thread(
                running.enter_context, process("services.jobs", env, folder)
            )
            db = await Database.connect(made.direct_url, max_size=3)
            try:
                async with _disturbed(register.url, wrong):
                    return await _work(db, jobs.url, stack.token("admin"), source)
            finally:
                await db.close()


def _prepare(stack: TestStack, env: Mapping[str, str]) -> None:
    stack.run("migrations", "up", env=env)
    stack.run("services.common.kafka.topics", "create", env=env)


@asynccontextmanager
async def _disturbed(url: str, wrong: bool) -> AsyncIterator[None]:
    if not wrong:
        yield
        return
    async with faulty_register(url):
        yield


async def _work(db: Database, url: str, token: str, source: Awards) -> Ended:
    began = perf_counter()
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers) as session:
        await _done(db, await _ask(session, "ingestion", {"source": "sample"}))
        doomed = await enqueue_many(db, DOOMED)
        ids = [row["id"] for row in await db.fetch(_IDS)]
        asked = [
            await _ask(session, "ingestion", {"source": "sample", "since": "2000-01-01"}),
            await _ask(session, "enrichment", {"prospect_ids": ids}),
            await _ask(session, "scoring", {}),
        ]
        for each in asked:
            await _done(db, each)
    await _complete(db)
    await until(lambda: _all_final(db), "every job is final", db, _TIMEOUT_S)
    seconds = perf_counter() - began
    states = {row["state"]: row["jobs"] for row in await db.fetch(_STATES)}
    kinds = [(row["kind"], row["jobs"], row["tries"]) for row in await db.fetch(_KINDS)]
    dead = [row["id"] for row in await db.fetch(_DEAD)]
    documents = await db.fetchrow(_COUNTED)
    if documents is None:
        raise RuntimeError("no documents were counted")
    told = await contents(db)
    counts = (source.asked, source.failed)
    return Ended(
        seconds, told, states, kinds, dead, sorted(doomed), (documents[0], documents[1]), counts
    )


async def _complete(db: Database) -> None:
    """Ask again what a source did not answer, as the schedule does, until it has answered all."""
    for _ in range(10):
        await until(lambda: settled(db), "every prospect is enriched and scored", db, _TIMEOUT_S)
        (job_id,) = await enqueue_many(db, [NewJob("enrichment.stale", "enrichment", {})])
        if (await _done(db, job_id))["result"]["batches"] == 0:
            return


async def _ask(session: aiohttp.ClientSession, kind: str, body: dict[str, Any]) -> int:
    async with session.post(f"/api/jobs/{kind}", json=body) as answer:
        if answer.status != 202:
            raise RuntimeError(f"{kind}: {answer.status} {await answer.text()}")
        return int((await answer.json())["id"])


async def _done(db: Database, job_id: int) -> dict[str, Any]:
    row = await finished(db, job_id, _TIMEOUT_S)
    if row["state"] != "succeeded":
        raise RuntimeError(f"job {job_id} ({row['kind']}) is {row['state']}: {row['error']}")
    return row


async def _all_final(db: Database) -> bool:
    rows = await db.fetch(_STATES)
    live = {"queued", "running", "retryable"}
    return not any(row["state"] in live for row in rows) and await settled(db)
