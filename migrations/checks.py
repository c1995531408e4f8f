"""The commands that only read: status, wait, verify, and the text of schema.sql."""

import asyncio
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from migrations import fingerprint, history, schema
from migrations.apply import read_history
from migrations.errors import MigrationRefused, NotPermitted
from migrations.files import Migration
from migrations.history import Entry
from migrations.session import FAULTS, connect
from services import __version__
from services.common.errors import DeadlineExceeded, Unavailable

log = logging.getLogger(__name__)
_FAULTS = (Unavailable, NotPermitted, *FAULTS)


class SchemaBehind(DeadlineExceeded):
    """The schema did not reach the wanted version in time."""

    code = "schema_behind"


async def status(url: str, migrations: Sequence[Migration]) -> str:
    """A table of files and history, one line a version."""
    async with connect(url) as conn:
        entries = {e.version: e for e in await read_history(conn)}
    rows = [("version", "state", "phase", "applied at (UTC)", "ms", "by")]
    for m in migrations:
        entry = entries.pop(m.version, None)
        rows.append((m.label, history.state_of(m, entry), m.up.phase, *_when(entry)))
    rows += [(entry.label, "no file", "", *_when(entry)) for entry in entries.values()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _when(entry: Entry | None) -> tuple[str, str, str]:
    if entry is None:
        return "", "", ""
    ms = "" if entry.duration_ms is None else str(entry.duration_ms)
    return f"{entry.applied_at:%Y-%m-%d %H:%M:%S}", ms, entry.applied_by


async def wait(
    url: str, version: int, timeout_s: float, poll_s: float = 1, app: str = __version__
) -> int:
    """Return the schema version once release `app`, which needs `version`, may start.

    Only reads; a database that is not there yet is waited for too. Raises SchemaBehind.
    """
    deadline = time.monotonic() + timeout_s
    told = ""
    while True:
        try:
            async with connect(url) as conn:
                entries = await read_history(conn)
            reason = history.gate(entries, version, app)
            if not reason:
                return history.version(entries)
        except _FAULTS as exc:
            reason = str(exc)
        if reason != told:
            log.info("waiting for the schema to reach %04d: %s", version, reason)
        told = reason
        left = deadline - time.monotonic()
        if left <= 0:
            raise SchemaBehind(
                f"The schema did not let this release start in {timeout_s:g} s "
                f"(it needs {version:04d}): {reason}"
            )
        await asyncio.sleep(min(poll_s, left))


def read_schema_sql(path: Path) -> str:
    """The committed schema.sql; raises MigrationRefused where there is none."""
    if not path.is_file():
        raise MigrationRefused(f"{path} is missing: `python -m migrations schema` writes it.")
    return path.read_text(encoding="utf-8")


async def verify(url: str, migrations: Sequence[Migration], schema_sql: str) -> list[str]:
    """What is wrong with the database, a line a thing: history, pending, in doubt, drift.

    `schema_sql` is the text of schema.sql.
    """
    async with connect(url) as conn:
        entries = await read_history(conn)
        problems = history.mismatches(migrations, entries)
        problems += [
            history.doubt(migrations[e.version - 1], e)
            for e in history.in_doubt(entries)
            if e.version <= len(migrations)
        ]
        if problems:
            return problems
        if pending := history.pending(migrations, entries):
            names = ", ".join(m.label for m in pending)
            return [f"Not applied yet: {names}; run `python -m migrations up`."]
        if schema.source_of(schema_sql) != schema.source(migrations):
            return ["schema.sql was made from other files: `python -m migrations schema` again."]
        return [f"Drift: {line}" for line in await schema.drift(conn, schema_sql)]


async def schema_text(url: str, migrations: Sequence[Migration]) -> str:
    """schema.sql as the database has it; raises MigrationRefused unless it is up to date."""
    async with connect(url) as conn:
        entries = await read_history(conn)
        history.check(migrations, entries)
        if history.in_doubt(entries) or history.pending(migrations, entries):
            raise MigrationRefused("Run `python -m migrations up` first: schema.sql shows it all.")
        return schema.render(await fingerprint.read(conn, "public"), migrations)
