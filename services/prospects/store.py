"""From filters to statements, and from PostgreSQL to finished JSON.

What a request chooses (filters, order) selects fragments of SQL from the closed tables below;
its values go as parameters. No text of a request ever becomes text of a statement.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from services.common.db import Executor
from services.common.sql import Query, load
from services.prospects.models import ListQuery, ProspectFilters, SortBy, SortOrder

Q = load(Path(__file__).with_name("queries.sql"))

# Written like the expressions of the indexes; {} is the number of the parameter.
_BY_VALUE: Mapping[str, str] = {
    "state": "p.state = ${}",
    "industry": "coalesce(p.corrected_industry, p.industry) = ${}",
    "min_score": "p.priority_score >= ${}",
    "max_score": "p.priority_score <= ${}",
    "status": "p.status = ${}",
    "mca": "p.mca = ${}",
}
# Constants instead of parameters, so that partial indexes serve them: (when false, when true).
_BY_FLAG: Mapping[str, tuple[str, str]] = {
    "stacked": ("p.stack_depth < 2", "p.stack_depth >= 2"),
    "renewal_due": ("NOT p.renewal_due", "p.renewal_due"),
    "distress": ("NOT p.distress", "p.distress"),
}
# Ties go by id, in the direction in which the index of that order can be read.
_ORDERS: Mapping[tuple[SortBy, SortOrder], str] = {
    ("priority_score", "desc"): "p.priority_score DESC, p.id",
    ("priority_score", "asc"): "p.priority_score, p.id DESC",
    ("created_at", "desc"): "p.created_at DESC, p.id",
    ("created_at", "asc"): "p.created_at, p.id DESC",
    ("company_name", "asc"): "coalesce(p.corrected_name, p.company_name), p.id",
    ("company_name", "desc"): "coalesce(p.corrected_name, p.company_name) DESC, p.id DESC",
}


async def page(db: Executor, query: ListQuery) -> bytes:
    """One page of prospects: a JSON array of `ProspectItem`."""
    names, flags, values = _chosen(query)
    statement = _page_statement(names, flags, query.sort_by, query.sort_order)
    offset = (query.page - 1) * query.limit
    items: bytes = await db.fetchval(statement, query.limit, offset, *values)
    return items


async def count(db: Executor, filters: ProspectFilters) -> int:
    """How many prospects match."""
    names, flags, values = _chosen(filters)
    total: int = await db.fetchval(_count_statement(names, flags), *values)
    return total


async def get(db: Executor, prospect_id: UUID) -> bytes | None:
    """One prospect as a JSON object of the shape `Prospect`; None where there is none."""
    found: bytes | None = await db.fetchval(_GET, prospect_id)
    return found


def _chosen(filters: ProspectFilters) -> tuple[tuple[str, ...], tuple[str, ...], list[object]]:
    """Names of the filters by value, fragments of the flags, values in the order of the names."""
    given = {name: value for name in _BY_VALUE if (value := getattr(filters, name)) is not None}
    if given["status"] == "all":
        del given["status"]
    flags = (
        fragments[value]
        for name, fragments in _BY_FLAG.items()
        if (value := getattr(filters, name)) is not None
    )
    return tuple(given), tuple(flags), list(given.values())


def _where(names: tuple[str, ...], flags: tuple[str, ...], first: int) -> str:
    by_value = (_BY_VALUE[name].format(number) for number, name in enumerate(names, first))
    return " AND ".join((*by_value, *flags)) or "true"


@lru_cache(maxsize=1024)
def _page_statement(
    names: tuple[str, ...], flags: tuple[str, ...], sort_by: SortBy, sort_order: SortOrder
) -> Query:
    # $1 and $2 are limit and offset
    return _filled(
        "prospects_page", filters=_where(names, flags, 3), order=_ORDERS[sort_by, sort_order]
    )


@lru_cache(maxsize=1024)
def _count_statement(names: tuple[str, ...], flags: tuple[str, ...]) -> Query:
    return _filled("prospects_count", filters=_where(names, flags, 1))


def _filled(name: str, **fragments: str) -> Query:
    """The query `name` with its `{...}` replaced; its name, the metric label, stays."""
    sql = Q[name].sql
    for place, fragment in {"item": Q["prospect_item"].sql, **fragments}.items():
        sql = sql.replace(f"{{{place}}}", fragment)
    return Query(name, sql)


_GET = _filled("prospect_get", filing=Q["filing_item"].sql)
