"""Job `jobs.bulk`: start over, cancel, prioritise or delete every job that matches a filter.

Asked for by POST /api/jobs/bulk. Each batch is one transaction with its audit entry and the place
reached, so that a bulk job that is interrupted goes on after it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from services.common import audit, pauses, steering
from services.common.db import Executor
from services.common.errors import BadRequest
from services.common.jobs import Done, JobContext, Outcome, Snooze
from services.common.kafka.ledger import Ledger
from services.common.steering import JobFilter

BATCH = 500
_MOMENTS = ("since", "until")


@dataclass(slots=True)
class _Place:
    """How far a bulk job has come: the last id looked at, jobs that matched, jobs changed."""

    after: int = 0
    matched: int = 0
    changed: int = 0


async def bulk(ctx: JobContext, args: dict[str, Any]) -> Outcome:
    """{"action", "filter", "until_id", "priority"?, "rate"?}; batches go by id."""
    wanted, until, rate = _filter(args), int(args["until_id"]), args.get("rate")
    place = _Place(**{f.name: ctx.job.progress.get(f.name, 0) for f in fields(_Place)})
    batch = BATCH if rate is None else max(1, min(BATCH, int(rate)))
    while not ctx.stopping.is_set():
        async with ctx.db.shared() as tx:
            ids = await steering.matching(tx, wanted, place.after, until, batch)
            if not ids:
                return Done({"matched": place.matched, "changed": place.changed})
            others = [each for each in ids if each != ctx.job.id]
            changed, parents = await _act(tx, args, others)
            place = _Place(ids[-1], place.matched + len(others), place.changed + len(changed))
            seen = {"jobs": changed, "filter": args["filter"]}
            await audit.record(tx, f"bulk {args['action']}", "job", str(ctx.job.id), None, seen)
            await ctx.progress(**asdict(place))
        if parents:
            await Ledger(ctx.db, "bulk").settle(parents)
        await _pace(ctx, len(ids), rate)
    return Snooze(0, asdict(place))


async def _act(
    tx: Executor, args: dict[str, Any], ids: Sequence[int]
) -> tuple[list[int], list[int]]:
    """The jobs that were changed, and parents to be woken."""
    match args["action"]:
        case "retry":
            return await steering.rerun(tx, ids, skip_queued=True), []
        case "cancel":
            rows = await steering.cancel(tx, ids)
            parents = {row["parent_id"] for row in rows if row["parent_id"] is not None}
            return sorted(row["id"] for row in rows), sorted(parents)
        case "prioritise":
            return await steering.prioritise(tx, ids, args["priority"]), []
        case "delete":
            return await steering.delete(tx, ids), []
        case other:
            raise BadRequest(f"A bulk job cannot {other!r}: retry, cancel, prioritise or delete.")


def _filter(args: dict[str, Any]) -> JobFilter:
    given = dict(args["filter"])
    for name in _MOMENTS:
        if given.get(name):
            given[name] = datetime.fromisoformat(given[name])
    return JobFilter(**given)


async def _pace(ctx: JobContext, jobs: int, rate: float | None) -> None:
    """Wait until the next batch may begin."""
    if rate is not None:
        await pauses.until(ctx.stopping, jobs / rate)
