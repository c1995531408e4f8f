"""Sessions of somebody else in the test's database: who is in a migration's way, who holds it up.

With `holding` a test says for how long a file of `files.held` runs, however busy the machine is.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.operator.files import HOLD
from tests.operator.place import Place, eventually


@asynccontextmanager
async def bystander(
    place: Place, name: str = "nightly report"
) -> AsyncIterator[asyncpg.Connection]:
    """A session that ends with the block."""
    settings = {"application_name": name}
    conn = await asyncpg.connect(place.database.direct_url, server_settings=settings)
    try:
        yield conn
    finally:
        await conn.close()


@asynccontextmanager
async def holding(place: Place) -> AsyncIterator[None]:
    """A file of `files.held` that is met in this block runs until the block ends."""
    async with bystander(place, "holds a file") as conn:
        await conn.execute("SELECT pg_advisory_lock($1)", HOLD)
        yield


async def at_work(place: Place) -> str:
    """The pid of the session in which the held file runs, once it does."""

    async def asleep() -> bool:
        return place.working("pg_sleep")

    await eventually(asleep, "the held file runs")
    return place.database.psql(SLEEPER)


async def left(place: Place, pid: str) -> None:
    """Return once a session is gone: let go before, the file would be done after all."""

    async def gone() -> bool:
        return place.database.psql(f"SELECT pid FROM pg_stat_activity WHERE pid = {pid}") == ""

    await eventually(gone, "the attempt that was ended left the database")


SLEEPER = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'migrations %' AND query LIKE '%pg_sleep%' AND state = 'active'"
)
