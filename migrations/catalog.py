"""What a database held right after the runner's last change, kept in it as schema_catalog.

The operator compares it with what is there now: what differs was changed by hand. Uses
fingerprint; the runner stores, state reads.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from migrations import fingerprint
from migrations.session import Q


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a catalog; `ddl` makes it, `parent` is the table it belongs to."""

    kind: str
    name: str
    parent: str | None
    ddl: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """A reading of the schema at `version`; `server` is PostgreSQL's major version.

    `things` may be left unread where `sha256` tells enough.
    """

    version: int
    server: int
    sha256: str
    taken_at: datetime
    things: tuple[Thing, ...] = ()


async def take(conn: asyncpg.Connection, version: int) -> Catalog:
    """The schema as it is, at one moment; waits 5 s at most for a table that is locked."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        await conn.execute(Q["catalog_session"].sql)
        items = await fingerprint.unordered(conn, "public")
    return Catalog(
        version=version,
        server=conn.get_server_version().major,
        sha256=fingerprint.digest(items),
        taken_at=datetime.now(UTC),
        things=tuple(Thing(i.kind, i.name, i.parent, i.ddl) for i in items),
    )


async def stored(conn: asyncpg.Connection, version: int) -> Catalog | None:
    """What was stored, without its things; None where it says nothing about `version` here.

    PostgreSQL's major versions print the same definition differently.
    """
    if not await conn.fetchval(Q["has_catalog"].sql):
        return None
    row = await conn.fetchrow(Q["stored_catalog"].sql)
    here = (version, conn.get_server_version().major)
    return Catalog(**row) if row and (row["version"], row["server"]) == here else None


async def stored_things(conn: asyncpg.Connection, catalog: Catalog) -> tuple[Thing, ...]:
    """The things of a stored catalog; none where it was replaced meanwhile."""
    items = await conn.fetchval(Q["stored_items"].sql, catalog.sha256)
    return tuple(Thing(*item) for item in json.loads(items or "[]"))


async def store(conn: asyncpg.Connection, catalog: Catalog) -> None:
    """Keep `catalog` instead of the one before."""
    if not await conn.fetchval(Q["has_catalog"].sql):
        await conn.execute(Q["create_catalog"].sql)
    await conn.execute(
        Q["store_catalog"].sql,
        catalog.version,
        catalog.server,
        catalog.sha256,
        _json(catalog.things),
        catalog.taken_at,
    )


def _json(things: Iterable[Thing]) -> str:
    return json.dumps([(t.kind, t.name, t.parent, t.ddl) for t in things])
