"""What the tables hold, in two ways: told by natural keys, and as the rows stand.

`contents` is equal for two databases that say the same, whatever ids, times and order of work;
`stored` is equal only while no row was written again.
"""

from services.common.db import Executor
from services.common.sql import Query

TABLES = (
    "ucc_filings filing_events filing_parties filing_collateral prospects prospect_ucc_filings"
    " quarantine"
).split()

_EVENT = "SELECT register, document_number FROM filing_events WHERE id = t.event_id"
_FILING = "SELECT register, filing_number FROM ucc_filings WHERE id = t.filing_id"
# Table -> (columns that may differ, what the surrogate keys stand for).
_TOLD = {
    "ucc_filings": ("id created_at updated_at", ""),
    "filing_events": ("id filing_id created_at", _FILING),
    "filing_parties": ("event_id filing_id", _EVENT),
    "filing_collateral": ("event_id filing_id", _EVENT),
    "prospects": ("created_at updated_at version", ""),
    "prospect_ucc_filings": ("filing_id", _FILING),
    "growth_signals": ("id created_at", ""),
    "health_scores": ("created_at", ""),
    "quarantine": ("id job_id created_at", ""),
}

_STORED = " UNION ALL ".join(
    f"SELECT '{t}' AS name, count(*) AS rows, md5(string_agg(md5(t::text || t.xmin), '' ORDER BY"
    f" md5(t::text || t.xmin))) AS sum FROM {t} AS t"
    for t in TABLES
)


async def contents(db: Executor) -> dict[str, set[str]]:
    """Table -> its rows as text without what may differ from one run to another."""
    return {table: await _told(db, table) for table in _TOLD}


async def _told(db: Executor, table: str) -> set[str]:
    left_out, key = _TOLD[table]
    stands_for = f"(SELECT k FROM ({key}) AS k)" if key else "''"
    row = f"to_jsonb(t) - $1::text[] || jsonb_build_object('of', {stands_for})"
    rows = await db.fetch(
        Query("test_told", f"SELECT ({row})::text AS r FROM {table} AS t"), left_out.split()
    )
    found = {row["r"] for row in rows}
    assert len(found) == len(rows), f"{table} holds rows that say the same"
    return found


def differences(expected: dict[str, set[str]], found: dict[str, set[str]]) -> list[str]:
    """The first rows of each table that only one of the two has."""
    lines = []
    for table, rows in expected.items():
        missing, added = sorted(rows - found[table]), sorted(found[table] - rows)
        if missing or added:
            lines.append(f"{table}: {len(missing)} missing, {len(added)} not expected")
            lines += [f"  - {row}" for row in missing[:3]] + [f"  + {row}" for row in added[:3]]
    return lines


async def stored(db: Executor) -> dict[str, tuple[int, str]]:
    """Table -> (rows, checksum): another one as soon as any row was written again."""
    rows = await db.fetch(Query("test_stored", _STORED))
    return {row["name"]: (row["rows"], row["sum"]) for row in rows}
