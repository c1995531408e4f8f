"""From filters to statements, and from PostgreSQL to finished JSON: what is only read.

What a request chooses (filters, order) selects fragments of SQL from the closed tables below;
its values go as parameters. No text of a request ever becomes text of a statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import orjson
from asyncpg import Record

from services.common.db import Executor
from services.common.sql import Query, load
from services.prospects.cursor import Position
from services.prospects.filters import ListQuery, ProspectFilters, SortBy, SortOrder

Q = load(Path(__file__).with_name("queries.sql"))
COUNTED_EXACTLY = 10_000
_COUNTS_S = 3.0
"""No request's deadline ends what is read for all of them: it may take so long."""

# Written like the expressions of the indexes; {} is the number of the parameter.
_BY_VALUE: Mapping[str, str] = {
    "state": "p.state = ${}",
    "industry": "coalesce(p.corrected_industry, p.industry) = ${}",
    "min_score": "p.priority_score >= ${}",
    "max_score": "p.priority_score <= ${}",
    "status": "p.status = ${}",
    "mca": "p.mca = ${}",
    "renewal_from": "p.renewal_due AND p.renewal_on >= ${}",
    "renewal_before": "p.renewal_due AND p.renewal_on < ${}",
    "health_grade": "p.health_grade = ${}",
    "signal_type": "EXISTS (SELECT FROM growth_signals AS g "
    "WHERE g.prospect_id = p.id AND g.type = ${})",
    "lender": "p.lenders <> '[]' AND prospect_lender_terms(p.lenders) @@ ${}::text::tsquery",
    "q": "coalesce(p.corrected_name, p.company_name) ILIKE ${}",
}
# Constants instead of parameters, so that partial indexes serve them: (when false, when true).
_BY_FLAG: Mapping[str, tuple[str, str]] = {
    "stacked": ("p.stack_depth < 2", "p.stack_depth >= 2"),
    "renewal_due": ("NOT p.renewal_due", "p.renewal_due"),
    "distress": ("NOT p.distress", "p.distress"),
}


@dataclass(frozen=True, slots=True)
class _Key:
    """What a list is sorted by: its expression as in the index, its type."""

    sql: str
    type: str


_KEYS: Mapping[SortBy, _Key] = {
    "priority_score": _Key("p.priority_score", "smallint"),
    "created_at": _Key("p.created_at", "timestamptz"),
    "company_name": _Key("p.shown_name", "text"),
}
# Ties go by id, in the direction in which the index of that order can be read.
_TIES_FALL: Mapping[tuple[SortBy, SortOrder], bool] = {
    ("priority_score", "desc"): False,
    ("priority_score", "asc"): True,
    ("created_at", "desc"): False,
    ("created_at", "asc"): True,
    ("company_name", "asc"): False,
    ("company_name", "desc"): True,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """A page: a JSON array of `ProspectItem`, where it ends, and the count if it was asked for.

    `last` is None at the end of the list; `total` never passes COUNTED_EXACTLY + 1.
    """

    prospects: bytes
    last: tuple[str, UUID] | None
    total: int | None


async def page(
    db: Executor,
    query: ListQuery,
    after: Position | None,
    *,
    count: bool = False,
    offset: int | None = None,
) -> Rows:
    """One page: what follows `after`, else page `query.page`, or the one that begins at `offset`;
    with `count` what there is in all.
    """
    statement, values = page_statement(query, after, count=count, offset=offset)
    [row] = await db.fetch(statement, *values)
    last = (row["last_key"], UUID(row["last_id"])) if row["more"] else None
    return Rows(row["prospects"], last, row["total"])


def page_statement(
    query: ListQuery,
    after: Position | None = None,
    *,
    count: bool = False,
    offset: int | None = None,
) -> tuple[Query, list[object]]:
    """The statement of a page with the values of its parameters."""
    names, flags, values = _chosen(query)
    shape = (names, flags, query.sort_by, query.sort_order, after is not None, count)
    skipped = (query.page - 1) * query.limit if offset is None else offset
    start = (after.key, after.id) if after else (skipped,)
    return _page_statement(*shape), [query.limit, *start, *values]


async def estimate(db: Executor, filters: ProspectFilters) -> int:
    """How many prospects PostgreSQL expects to match."""
    names, flags, values = _chosen(filters)
    plan = await db.fetchval(_estimate_statement(names, flags), *values)
    parsed = orjson.loads(plan) if isinstance(plan, str | bytes) else plan
    return int(parsed[0]["Plan"]["Plan Rows"])


async def tag(db: Executor, prospect_id: UUID) -> str | None:
    """The tag that `get` would show; None: no such."""
    found: str | None = await db.fetchval(Q["prospect_tag"], prospect_id)
    return found


async def get(db: Executor, prospect_id: UUID, known: Sequence[str] = ()) -> Record | None:
    """`tag` and, unless the tag is among `known`, `body`: one JSON `Prospect`; None: no such."""
    return await db.fetchrow(GET, prospect_id, known)


async def history(db: Executor, prospect_id: UUID, before: int | None, limit: int) -> Record:
    """`body`: a JSON array of `Change`; `oldest` and number of `changes`; whether it is `known`."""
    return (await db.fetch(Q["prospect_history"], prospect_id, before, limit))[0]


async def health(db: Executor, prospect_id: UUID, before: date | None, limit: int) -> Record:
    """`body`: a JSON array of `Health`; `oldest` and number of `days`; whether it is `known`."""
    return (await db.fetch(Q["prospect_health"], prospect_id, before, limit))[0]


async def cells(db: Executor) -> list[Record]:
    """Counts by state, industry and status: parallel arrays `scores` and `prospects`."""
    return await db.fetch(Q["prospect_cells"], timeout=_COUNTS_S)


async def fold(db: Executor) -> None:
    """Move what changed since into the cells."""
    await db.execute(Q["prospect_cells_fold"], timeout=_COUNTS_S)


def where(filters: ProspectFilters, first: int = 1) -> tuple[str, list[object]]:
    """Condition on `prospects AS p` with parameters from `$first` on, and their values."""
    names, flags, values = _chosen(filters)
    return _where(names, flags, first), values


def _chosen(filters: ProspectFilters) -> tuple[tuple[str, ...], tuple[str, ...], list[object]]:
    """Names of the filters by value, fragments of the flags, values in the order of the names."""
    given = {name: value for name in _BY_VALUE if (value := getattr(filters, name)) is not None}
    if given["status"] == "all":
        del given["status"]
    if "lender" in given:
        given["lender"] = _lender_query(given["lender"])
    if "q" in given:
        given["q"] = _containing(given["q"])
    flags = (
        fragments[value]
        for name, fragments in _BY_FLAG.items()
        if (value := getattr(filters, name)) is not None
    )
    return tuple(given), tuple(flags), list(given.values())


def _lender_query(name: str) -> str:
    """A tsquery of the one term that a lender is, or of how it begins where `name` ends in *."""
    term = name.removesuffix("*").lower()[:200]
    quoted = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'{':*' if name.endswith('*') else ''}"


def _containing(text: str) -> str:
    """A LIKE pattern of `text` anywhere."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"


def _where(names: tuple[str, ...], flags: tuple[str, ...], first: int) -> str:
    by_value = (_BY_VALUE[name].format(number) for number, name in enumerate(names, first))
    return " AND ".join((*by_value, *flags)) or "true"


@lru_cache(maxsize=4096)
def _page_statement(
    names: tuple[str, ...],
    flags: tuple[str, ...],
    sort_by: SortBy,
    sort_order: SortOrder,
    after: bool,
    count: bool,
) -> Query:
    # $1 is the limit, $2 the offset; or $2 and $3 are key and id of the last one shown
    key, falls = _KEYS[sort_by], _TIES_FALL[sort_by, sort_order]
    filters = _where(names, flags, 4 if after else 3)
    direction, ties = sort_order.upper(), "DESC" if falls else "ASC"
    keys = _fill(
        Q["page_after" if after else "page_by_number"].sql,
        order=f"{key.sql} {direction}, p.id {ties}",
        after_order=f"key {direction}, id {ties}",
        key=key.sql,
        type=key.type,
        filters=filters,
        key_after="<" if sort_order == "desc" else ">",
        id_after="<" if falls else ">",
    )
    total = _fill(Q["count_some"].sql, filters=filters) if count else "NULL::bigint"
    return _filled("prospects_page", keys=keys, total=total)


@lru_cache(maxsize=1024)
def _estimate_statement(names: tuple[str, ...], flags: tuple[str, ...]) -> Query:
    return _filled("prospects_estimate", filters=_where(names, flags, 1))


def _fill(sql: str, **fragments: str) -> str:
    """`sql` with its `{...}` replaced."""
    for place, fragment in fragments.items():
        sql = sql.replace(f"{{{place}}}", fragment)
    return sql


def _filled(name: str, **fragments: str) -> Query:
    """The query `name` with its `{...}` replaced; its name, the metric label, stays."""
    common = {
        "item": Q["prospect_item"].sql,
        "tag": Q["tag"].sql,
        "see": Q["prospect_see"].sql,
    }
    return Query(name, _fill(Q[name].sql, **common, **fragments))


GET = _filled("prospect_get")
