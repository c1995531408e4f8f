"""What the prospects service decides on reading: which questions make sense, what answers mean.

Knows neither HTTP nor SQL; rows are JSON made by the store. changes.py decides on writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.common.db import Executor
from services.common.errors import NotFound, ValidationFailed
from services.prospects import store
from services.prospects.cursor import Cursors, Position
from services.prospects.filters import ListQuery, ProspectFilters
from services.prospects.models import Pagination
from services.prospects.shelf import Shelf, Shown
from services.prospects.totals import Totals, counted

FAR = 2000
"""Prospects before a page from which on they are not walked through."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of prospects: `prospects` is a JSON array of `ProspectItem`."""

    prospects: bytes
    pagination: Pagination
    next: str | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What lists need beside the database."""

    db: Executor
    totals: Totals
    cursors: Cursors

    async def list_prospects(self, query: ListQuery) -> Page:
        """The asked page; a page beyond the last is empty. Raises ValidationFailed."""
        check_filters(query)
        after = self._after(query)
        known = Known(after.total, after.is_estimate) if after else await self._counted(query)
        if known and query.page > 1 and (query.page - 1) * query.limit >= known.total:
            return Page(b"[]", paginate(query, known), None)
        rows = await self._rows(query, after, count=known is None)
        if known is None:
            known = await self._found(query, rows.total or 0)
        following = None
        if rows.last:
            position = Position(*rows.last, known.total, known.is_estimate)
            following = self.cursors.write(query, position)
        return Page(rows.prospects, paginate(query, known), following)

    async def _rows(self, query: ListQuery, after: Position | None, *, count: bool) -> store.Rows:
        """A page far down begins at its score, where the counts say how many are before it."""
        offset = (query.page - 1) * query.limit
        if after or offset < FAR or query.sort_by != "priority_score" or not counted(query):
            return await store.page(self.db, query, after, count=count)
        falling = query.sort_order == "desc"
        score, before = await self.totals.start(query, offset, falling)
        bound = {"max_score" if falling else "min_score": score}
        from_there = query.model_copy(update=bound)
        return await store.page(self.db, from_there, None, offset=offset - before)

    def _after(self, query: ListQuery) -> Position | None:
        if query.cursor is None:
            return None
        if "page" in query.model_fields_set:
            detail = "must not be given with a cursor"
            raise ValidationFailed(
                f"page {detail}", errors=[{"pointer": "/query/page", "detail": detail}]
            )
        return self.cursors.read(query, query.cursor)

    async def _counted(self, query: ListQuery) -> "Known | None":
        return Known(await self.totals.total(query), False) if counted(query) else None

    async def _found(self, query: ListQuery, found: int) -> "Known":
        if found <= store.COUNTED_EXACTLY:
            return Known(found, False)
        return Known(max(found, await store.estimate(self.db, query)), True)


@dataclass(frozen=True, slots=True)
class Known:
    """A total and whether it is an estimate."""

    total: int
    is_estimate: bool


async def get_prospect(
    db: Executor, shelf: Shelf, prospect_id: UUID, known: Sequence[str] = ()
) -> Shown:
    """JSON of one `Prospect`, none where its tag is among `known`. Raises NotFound."""
    kept = shelf.get(prospect_id)
    if kept is not None and kept.tag == await store.tag(db, prospect_id):
        return Shown(kept.tag, None) if kept.tag in known else kept
    found = await store.get(db, prospect_id, known)
    if found is None:
        shelf.drop(prospect_id)
        raise missing(prospect_id)
    shown = Shown(found["tag"], found["body"])
    if shown.body is not None:
        shelf.put(prospect_id, shown)
    return shown


async def history(
    db: Executor, prospect_id: UUID, before: int | None, limit: int
) -> tuple[bytes, int | None]:
    """JSON array of `Change`, newest first, and the id to go on before. Raises NotFound."""
    found = await store.history(db, prospect_id, before, limit)
    if not found["known"] and not found["changes"] and before is None:
        raise missing(prospect_id)
    return found["body"], found["oldest"] if found["changes"] == limit else None


async def health(
    db: Executor, prospect_id: UUID, before: date | None, limit: int
) -> tuple[bytes, date | None]:
    """JSON array of `Health`, newest first, and the day to go on before. Raises NotFound."""
    found = await store.health(db, prospect_id, before, limit)
    if not found["known"]:
        raise missing(prospect_id)
    return found["body"], found["oldest"] if found["days"] == limit else None


def missing(prospect_id: UUID) -> NotFound:
    """What to raise for an id that no prospect has."""
    return NotFound(f"Prospect {prospect_id} not found")


def check_filters(filters: ProspectFilters) -> None:
    """Raise ValidationFailed where no prospect could ever match."""
    low, high = filters.min_score, filters.max_score
    if low is None or high is None or low <= high:
        return
    raise ValidationFailed(
        f"min_score {low} is greater than max_score {high}",
        errors=[
            {"pointer": "/query/min_score", "detail": f"must be at most max_score ({high})"},
            {"pointer": "/query/max_score", "detail": f"must be at least min_score ({low})"},
        ],
    )


def paginate(query: ListQuery, known: Known) -> Pagination:
    """Where the asked page stands in a list of that total."""
    return Pagination(
        page=None if query.cursor else query.page,
        limit=query.limit,
        total=known.total,
        total_is_estimate=known.is_estimate,
        totalPages=-(-known.total // query.limit),
    )
