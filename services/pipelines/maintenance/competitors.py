"""Job `maintenance.competitors`: who lends in a state, how much of it, and since when.

A state is counted whole from the filings there are, a statement a state: a second run of the day
changes no row. Ingestion asks for it when a run has changed something.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.common.errors import BadRequest
from services.common.jobs import Done, JobContext, Outcome, Snooze
from services.common.types import STATES
from services.pipelines.maintenance import store

RECENT_DAYS = 90
"""`filings_recent`: a quarter, so that a lender's pace shows and one busy week does not."""


@dataclass(frozen=True, slots=True)
class Competitors:
    """The handler; `today` in UTC."""

    today: Callable[[], date]

    async def run(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `maintenance.competitors`: {"state"?: every one}."""
        done = dict(ctx.job.progress)
        for state in await _states(ctx, args):
            if state <= done.get("after", ""):
                continue
            if ctx.stopping.is_set():
                return Snooze(0, done)
            counted = await store.count_competitors(ctx.db, state, self.today(), RECENT_DAYS)
            for name, number in counted.items():
                done[name] = done.get(name, 0) + number
            done["after"] = state
            await ctx.progress(**done)
        return Done({name: done.get(name, 0) for name in ("competitors", "written", "removed")})


async def _states(ctx: JobContext, args: dict[str, Any]) -> list[str]:
    state = args.get("state")
    if state is None:
        return await store.lender_states(ctx.db)
    if not isinstance(state, str) or state not in STATES:
        raise BadRequest(f"state must be the code of a US jurisdiction like CO, not {state!r}.")
    return [state]
