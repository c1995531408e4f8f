"""The pipelines as they are run: processes that follow topics, sweep, take jobs, end on SIGTERM."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from services.common.db import Database
from services.common.jobs import NewJob, enqueue
from services.common.sql import Query
from tests.integration.jobs import kafka
from tests.integration.scoring.world import EQUIPMENT, FUNDER, filed, merge, message, prospect
from tests.stack.ports import free_port
from tests.support.waiting import PATIENCE_S, until

NEVER = "3600"
JOB = Query("test_job", "SELECT result FROM jobs WHERE id = $1")
LAST_WEEK = Query("test_last_week", "UPDATE prospect_work SET scored_as_of = scored_as_of - 7")


@asynccontextmanager
async def pipeline(name: str, environment: Mapping[str, str]) -> AsyncIterator[None]:
    """`python -m services.pipelines.<name>` during the block; it must end by itself on SIGTERM."""
    env = {**os.environ, **environment, "PORT": str(free_port())}
    argv = (sys.executable, "-m", f"services.pipelines.{name}")
    process = await asyncio.create_subprocess_exec(*argv, env=env, stdout=DEVNULL)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def settled(db: Database) -> bool:
    """Whether the prospect is enriched and scored."""
    row = await prospect(db)
    return bool(row["scored_rev"] == row["enriched_rev"] == row["facts_rev"])


@pytest.mark.parametrize("topic", ["prospects.changed", "signals.changed"])
async def test_a_message_has_the_prospect_scored(
    db: Database, environment: dict[str, str], topics: str, topic: str
) -> None:
    await merge(db, filed("1", date(2026, 8, 1), FUNDER))
    told = orjson.dumps(message((await prospect(db))["id"]))
    began = datetime.now(UTC).date()

    async with pipeline("scoring", environment | {"SCORING_SWEEP_AGE_S": NEVER}):
        await kafka.write(environment["KAFKA_BROKERS"], topics + topic, [told])
        await until(lambda: scored(db))

    row = await prospect(db)
    assert row["mca"] == "certain"
    assert began <= row["judged_at"] <= datetime.now(UTC).date()


async def scored(db: Database) -> bool:
    """Whether the prospect is scored."""
    row = await prospect(db)
    return bool(row["scored_rev"] == row["facts_rev"])


async def test_without_any_message_sweeps_enrich_and_score(
    db: Database, environment: dict[str, str], topics: str
) -> None:
    await merge(db, filed("1", date(2026, 8, 1), EQUIPMENT))
    swept = {f"{name}_SWEEP_AGE_S": "0" for name in ("SCORING", "ENRICHMENT")}

    async with (
        pipeline("scoring", environment | swept),
        pipeline("enrichment", environment | swept),
    ):
        await until(lambda: settled(db))

    assert (await prospect(db))["health_score"] == 72


async def test_the_daily_job_sends_prospects_to_scoring(
    db: Database, environment: dict[str, str], topics: str
) -> None:
    await merge(db, filed("1", date(2026, 8, 1), FUNDER))
    swept = environment | {"SCORING_SWEEP_AGE_S": "0"}
    async with pipeline("scoring", swept), pipeline("maintenance", environment):
        await until(lambda: scored(db))
        await db.execute(LAST_WEEK)

        job = await enqueue(db, NewJob("as_of", "maintenance", {}))

        await until(lambda: judged_again(db))
        row = await db.fetchrow(JOB, job)
        assert row
        assert row["result"] == {"lapsed": 0, "prospects": 1}


async def judged_again(db: Database) -> bool:
    """Whether the prospect is scored at a date after the last week's."""
    row = await prospect(db)
    return row["judged_at"] > datetime.now(UTC).date() - timedelta(days=7) and await scored(db)
