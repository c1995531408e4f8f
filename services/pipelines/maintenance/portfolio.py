"""Job `maintenance.portfolio`: every company of the portfolio has the health of its prospect.

Scoring writes the grades of those who follow what it scored. This mends the rest: companies that
were added, renamed or linked since, and those whose prospect is gone.
"""

from typing import Any

from services.common.jobs import Done, JobContext, Outcome
from services.pipelines.maintenance import store


async def portfolio(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
    """Job `maintenance.portfolio`: {}."""
    async with ctx.db.transaction() as tx:
        return Done({"companies": await store.follow_health(tx)})
