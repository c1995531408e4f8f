"""schema.sql: what all migrations make, for review, and what a database must hold.

Written from the catalog; compared by running it in a throw-away schema of the same server, so
that one file serves every version of PostgreSQL, whose catalogs print the same thing differently.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import asyncpg

from migrations import fingerprint
from migrations.files import Migration
from migrations.fingerprint import Item

SCHEMA_SQL = Path(__file__).with_name("schema.sql")
_SOURCE = re.compile(r"^-- made from: \S+ ([0-9a-f]{64})$", re.MULTILINE)
_BELONGS = (
    *("key", "index", "statistics", "comment", "owned sequence", "foreign key", "trigger"),
    "rule",
)


def source(migrations: Sequence[Migration]) -> str:
    """sha256 over the up files: tells whether schema.sql is as new as they are."""
    return hashlib.sha256("".join(m.up.sha256 for m in migrations).encode()).hexdigest()


def source_of(schema_sql: str) -> str | None:
    """The `source` a schema.sql was written for."""
    match = _SOURCE.search(schema_sql)
    return match[1] if match else None


def render(items: Iterable[Item], migrations: Sequence[Migration]) -> str:
    """The text of schema.sql: run in an empty database it makes `items`."""
    parts = [
        "-- Everything the migrations make, for review. Written by `python -m migrations schema`;\n"
        "-- change a table by a new pair of files in migrations/sql, never here.\n"
        f"-- made from: {migrations[-1].label} {source(migrations)}\n"
        "SET check_function_bodies = false;\n"
    ]
    parent = None
    for item in items:
        attached = item.kind in _BELONGS and item.parent == parent
        parts.append(f"{'' if attached else chr(10)}{item.ddl}\n")
        parent = item.parent
    return "".join(parts)


async def expected(conn: asyncpg.Connection, schema_sql: str) -> list[Item]:
    """What `schema_sql` makes on this server; nothing of it stays."""
    scratch = f"migrations_expected_{conn.get_server_pid()}"
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(f"CREATE SCHEMA {scratch}; SET LOCAL search_path TO {scratch}, public")
        await conn.execute(schema_sql)
        return await fingerprint.read(conn, scratch)
    finally:
        await transaction.rollback()


async def drift(conn: asyncpg.Connection, schema_sql: str) -> list[str]:
    """How the database differs from `schema_sql`, a line a thing; empty where it does not."""
    want = await expected(conn, schema_sql)
    return fingerprint.drift(want, await fingerprint.read(conn, "public"))
