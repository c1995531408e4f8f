"""Deletes what is old enough, a bounded batch a call."""

from pathlib import Path

from services.common import sql
from services.common.db import Executor

Q = sql.load(Path(__file__).with_name("retention.sql"))


async def purge_jobs(db: Executor, done_days: int, dead_days: int, limit: int) -> int:
    """Delete at most `limit` jobs of trees that are old enough; returns how many."""
    return _affected(await db.execute(Q["jobs_purge"], done_days, dead_days, limit))


async def purge_schedule_runs(db: Executor, days: int) -> int:
    """Delete what schedules did more than `days` ago; returns how many entries."""
    return _affected(await db.execute(Q["schedule_runs_purge"], days))


async def purge_uploads(db: Executor, days: int, limit: int) -> None:
    """Delete files of registers and their rows, `limit` of these at a time."""
    while _affected(await db.execute(Q["upload_rows_purge"], days, limit)):
        pass
    await db.execute(Q["uploads_purge"], days)


def _affected(tag: str) -> int:
    return int(tag.rsplit(" ", 1)[-1])
