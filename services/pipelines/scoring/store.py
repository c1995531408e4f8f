"""Scoring's way to PostgreSQL: facts of a batch in one query, assessments in one transaction.

A writer first locks the prospects' work rows in id order and drops what was judged from facts
older than those judged meanwhile; so any number of workers may score the same prospects, and
the newest facts win. A person's columns are never written.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.common import sql
from services.common.db import Database, Executor
from services.pipelines.scoring.assess import Assessment
from services.pipelines.scoring.facts import Collateral, Debtor, Facts, Filing, Secured

Q = sql.load(Path(__file__).with_name("queries.sql"))


async def load(
    db: Executor, ids: Sequence[UUID], as_of: date, *, unchanged_too: bool = False
) -> list[Facts]:
    """Facts of the prospects; without `unchanged_too` only of those not scored since a change."""
    return [_facts(row) for row in await db.fetch(Q["load_facts"], ids, as_of, unchanged_too)]


async def save(db: Database, assessments: Sequence[Assessment], as_of: date) -> int:
    """Write what changed, mark all as scored; returns how many were not outrun by newer facts."""
    if not assessments:
        return 0
    async with db.transaction() as tx:
        rows = await tx.fetch(
            Q["hold_work"], [a.id for a in assessments], [a.revision for a in assessments]
        )
        held = {row["prospect_id"] for row in rows}
        mine = sorted((a for a in assessments if a.id in held), key=lambda a: a.id)
        await tx.execute(Q["update_prospects"], mine, as_of)
        await tx.execute(Q["upsert_health"], mine, as_of)
        ids = [a.id for a in mine]
        await tx.execute(Q["follow_health"], ids)
        await tx.execute(Q["mark_scored"], ids, [a.revision for a in mine], as_of)
    return len(mine)


async def add_missing_work(db: Executor, ids: Sequence[UUID]) -> None:
    """Give prospects inserted without a work row theirs."""
    await db.execute(Q["add_missing_work"], ids)


async def unscored(db: Executor, older_than_s: float, limit: int) -> list[UUID]:
    """Prospects changed more than `older_than_s` ago and not scored since, the oldest first."""
    rows = await db.fetch(Q["unscored"], older_than_s, limit)
    return [row["prospect_id"] for row in rows]


async def key_ranges(db: Executor, size: int) -> list[tuple[UUID | None, UUID | None]]:
    """All prospects as ranges (after, up to] of about `size`; None is an open end."""
    edges = [row["id"] for row in await db.fetch(Q["key_ranges"], size)]
    return list(zip([None, *edges], [*edges, None], strict=True))


async def ids_in_range(
    db: Executor, after: UUID | None, until: UUID | None, limit: int
) -> list[UUID]:
    """The first `limit` ids in (after, until]."""
    return [row["id"] for row in await db.fetch(Q["ids_in_range"], after, until, limit)]


def _facts(row: asyncpg.Record) -> Facts:
    filings = row["filings"]
    return Facts(
        prospect_id=UUID(int=row["id"].int),  # orjson refuses asyncpg's subclass
        revision=row["revision"],
        by_hand=row["by_hand"],
        filings=tuple(_filing(f) for f in filings),
        debtors=tuple(_debtor(f, d) for f in filings for d in f["debtors"] or ()),
        signals=tuple(row["signals"]),
        violations=tuple(row["violations"]),
    )


def _filing(f: dict[str, Any]) -> Filing:
    return Filing(
        register=f["register"],
        number=f["number"],
        filing_type=f["filing_type"],
        filed_on=_date(f["filed_on"]),
        lapse_on=_date(f["lapse_on"]),
        terminated_on=_date(f["terminated_on"]),
        status=f["status"],
        secured=tuple(Secured(*party) for party in f["secured"] or ()),
        collateral=tuple(Collateral(tuple(k), phrase) for k, phrase in f["collateral"] or ()),
    )


def _debtor(f: dict[str, Any], fields: list[Any]) -> Debtor:
    name, trade_names, *address = fields
    ref = f"{f['register']}:{f['number']}"
    return Debtor(ref, _date(f["filed_on"]), name, tuple(trade_names), *address)


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
