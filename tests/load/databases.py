"""Databases of a benchmark: made fresh, emptied, and told apart by checksums of their tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.stack.config import DATABASE
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database

TABLES = (
    "ucc_filings", "filing_events", "filing_parties", "filing_collateral", "prospects",
    "prospect_ucc_filings", "prospect_work", "quarantine",
)  # fmt: skip

# What two databases with the same content have in common: ids and times of writing differ, and of
# a prospect's spellings the first one met names it.
_SAME = """
SELECT 'filings', count(*), md5(string_agg(line, '' ORDER BY line COLLATE "C")) FROM (
    SELECT md5((to_jsonb(f) - '{id,history_checked,created_at,updated_at}'::text[])::text) AS line
    FROM ucc_filings AS f) AS lines
UNION ALL
SELECT 'events', count(*), md5(string_agg(line, '' ORDER BY line COLLATE "C")) FROM (
    SELECT md5((to_jsonb(e) - '{id,filing_id,created_at}'::text[])::text) AS line
    FROM filing_events AS e) AS lines
UNION ALL
SELECT 'parties', count(*), sum(is_current::integer)::text FROM filing_parties
UNION ALL
SELECT 'collateral', count(*), sum(active::integer)::text FROM filing_collateral
UNION ALL
SELECT 'prospects', count(*), md5(string_agg(debtor_key, '' ORDER BY debtor_key COLLATE "C"))
FROM prospects
UNION ALL
SELECT 'links', count(*), '' FROM prospect_ucc_filings
"""


@contextmanager
def fresh_database(stack: TestStack, name: str) -> Iterator[TestDatabase]:
    """A migrated, empty database, dropped at the end of the block."""
    made = create_database(stack, name)
    try:
        urls = {"DATABASE_URL": made.url, "DATABASE_DIRECT_URL": made.direct_url}
        stack.run("migrations", "up", env=urls)
        yield made
    finally:
        drop_database(stack, name)


def empty(stack: TestStack) -> None:
    """Take all that an ingestion has written out of the stack's own database."""
    stack.psql(f"TRUNCATE {', '.join(TABLES)}, jobs, outbox, data_sources RESTART IDENTITY CASCADE")


def checkpoint(stack: TestStack) -> None:
    """Write back what earlier runs left, so that no run pays for another."""
    stack.psql("CHECKPOINT", "postgres")


def checksums(stack: TestStack) -> dict[str, str]:
    """Count and md5 of every row, whole, of each table in the stack's own database."""
    return {table: stack.psql(_checksum(table)) for table in TABLES}


def _checksum(table: str) -> str:
    return (
        "SELECT count(*), md5(string_agg(line, '' ORDER BY line COLLATE \"C\")) "
        f"FROM (SELECT md5(t::text) AS line FROM {table} AS t) AS lines"
    )


def content(stack: TestStack, database: str = DATABASE) -> dict[str, str]:
    """By table, what is equal in two databases that hold the same register."""
    lines = stack.psql(_SAME, database).splitlines()
    return {name: rest for name, _, rest in (line.partition("|") for line in lines)}
