"""Jobs of maintenance that are really in the ledger, so that they can keep their progress."""

from services.common.db import Database
from services.common.jobs import JobContext
from services.common.sql import Query
from tests.integration.scoring.world import job

HOLD = Query("test_hold", "INSERT INTO jobs (queue, kind) VALUES ('maintenance', $1) RETURNING id")
RUN = Query(
    "test_run",
    "UPDATE jobs SET state = 'running', fence = 1, worker = 'me',"
    " lease_until = now() + interval '1 minute' WHERE id = $1",
)


async def claimed(db: Database, kind: str) -> JobContext:
    """A running job of this kind, held by the caller."""
    ctx = job(db, kind)
    number = await db.fetchval(HOLD, kind)
    await db.execute(RUN, number)
    held = {name: getattr(ctx.job, name) for name in ctx.job.__slots__} | {"id": number}
    ctx.job = type(ctx.job)(**held)
    return ctx
