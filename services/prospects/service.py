"""What the prospects service decides: which questions make sense and what the answers mean.

Knows neither HTTP nor SQL; rows are JSON made by the store.
"""

from dataclasses import dataclass
from uuid import UUID

from services.common.db import Executor
from services.common.errors import NotFound, ValidationFailed
from services.prospects import store
from services.prospects.models import ListQuery, Pagination, ProspectFilters


@dataclass(frozen=True, slots=True)
class Page:
    """A page of prospects: `prospects` is a JSON array of `ProspectItem`."""

    prospects: bytes
    pagination: Pagination


async def list_prospects(db: Executor, query: ListQuery) -> Page:
    """The asked page; a page beyond the last is empty. Raises ValidationFailed."""
    check_filters(query)
    total = await store.count(db, query)
    pagination = paginate(query.page, query.limit, total)
    if query.page > pagination.totalPages:
        return Page(b"[]", pagination)
    return Page(await store.page(db, query), pagination)


async def get_prospect(db: Executor, prospect_id: UUID) -> bytes:
    """JSON of one `Prospect`. Raises NotFound."""
    found = await store.get(db, prospect_id)
    if found is None:
        raise NotFound(f"Prospect {prospect_id} not found")
    return found


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


def paginate(page: int, limit: int, total: int) -> Pagination:
    """Where `page` stands among `total` prospects, `limit` a page."""
    return Pagination(page=page, limit=limit, total=total, totalPages=-(-total // limit))
