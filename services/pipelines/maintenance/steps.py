"""The work of maintenance: the daily roll-over to a new `as_of`.

agents -> here -> store. Every batch is a transaction of its own and the place reached is kept in
the job, so that an interrupted run goes on where it stopped; a second run finds nothing due.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.common.db import Database
from services.common.errors import BadRequest
from services.common.jobs import Done, JobContext, Outcome, Snooze, publish
from services.common.kafka.topics import PROSPECTS_CHANGED
from services.pipelines.changes import messages
from services.pipelines.maintenance import store

QUEUE = "maintenance"


def today() -> date:
    """Today in UTC."""
    return datetime.now(UTC).date()


@dataclass(slots=True)
class _Place:
    """How far a run has come, as kept in the job's progress."""

    after: str | None
    lapsed: int
    prospects: int

    @classmethod
    def reached(cls, progress: Mapping[str, Any]) -> "_Place":
        return cls(progress.get("after"), progress.get("lapsed", 0), progress.get("prospects", 0))

    @property
    def key(self) -> UUID | None:
        return UUID(self.after) if self.after else None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The handlers of the maintenance queue; `batch` rows a transaction."""

    batch: int
    today: Callable[[], date] = today

    async def as_of(self, ctx: JobContext, args: dict[str, Any]) -> Outcome:
        """Job `as_of`: {"as_of"?: today}; nothing lapses before its day, so never later."""
        as_of = self._date(args)
        place = _Place.reached(ctx.job.progress)
        await store.purge_exports(ctx.db)
        while lapsed := await store.lapse_filings(ctx.db, as_of, self.batch):
            place.lapsed += lapsed
        while not ctx.stopping.is_set():
            page = await store.work_page(ctx.db, as_of, place.key, self.batch)
            if page.last is None:
                return Done({"lapsed": place.lapsed, "prospects": place.prospects})
            place.prospects += await _bump(ctx.db, page.due)
            place.after = str(page.last)
            await ctx.progress(**asdict(place))
        return Snooze(0, asdict(place))

    def _date(self, args: dict[str, Any]) -> date:
        value, today = args.get("as_of"), self.today()
        try:
            as_of = date.fromisoformat(value) if value is not None else today
        except (TypeError, ValueError):
            as_of = date.max
        if as_of > today:
            raise BadRequest(f"as_of must be a date until today ({today}), not {value!r}.")
        return as_of


async def _bump(db: Database, due: Sequence[UUID]) -> int:
    if not due:
        return 0
    async with db.transaction() as tx:
        bumped = await store.bump(tx, due)
        await publish(tx, PROSPECTS_CHANGED, messages(bumped))
    return len(bumped)
