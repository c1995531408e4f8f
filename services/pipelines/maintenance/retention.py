"""Job `maintenance.retention`: old jobs go, in batches; the audit trail stays.

A tree of jobs goes as a whole, its leaves first: when its root has been final for a week, or for
a month where anything in it is dead. Their log lines and attempts go with them. Idempotency keys
are the sweeper's (services/jobs): they may not be kept longer than a day.
"""

from typing import Any

from services.common.jobs import Done, JobContext, Outcome, Snooze
from services.pipelines.maintenance import retention_store as store

DONE_DAYS = 7
DEAD_DAYS = 30
RUNS_DAYS = 90
UPLOAD_DAYS = 30
"""What ingestion itself has not deleted earlier: files whose job nobody replayed."""
BATCH = 1000


async def retention(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Delete jobs that are old enough, and the history of schedules after 90 days."""
    jobs = int(ctx.job.progress.get("jobs", 0))
    while not ctx.stopping.is_set():
        gone = await store.purge_jobs(ctx.db, DONE_DAYS, DEAD_DAYS, BATCH)
        jobs += gone
        if gone == 0:
            runs = await store.purge_schedule_runs(ctx.db, RUNS_DAYS)
            await store.purge_uploads(ctx.db, UPLOAD_DAYS, BATCH)
            return Done({"jobs": jobs, "runs": runs})
        await ctx.progress(jobs=jobs)
    return Snooze(0, {"jobs": jobs})
