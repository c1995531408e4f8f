"""A background of writes: so many prospects a second change their score and status."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import asyncpg

from services.common.connection import Connection

_WRITE = """
UPDATE prospects SET priority_score = (priority_score + 1) % 100,
    status = CASE status WHEN 'unclaimed' THEN 'contacted' WHEN 'contacted' THEN 'unclaimed' ELSE status END
WHERE id = $1
"""  # noqa: E501


@contextmanager
def background(url: str, ids: Sequence[str], rate: float) -> Iterator[list[int]]:
    """`rate` writes a second while the block runs; the list's one number counts them."""
    done, stop = [0], threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_write(url, ids, rate, done, stop)), daemon=True
    )
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


async def _write(
    url: str, ids: Sequence[str], rate: float, done: list[int], stop: threading.Event
) -> None:
    connection = await asyncpg.connect(url, statement_cache_size=0, connection_class=Connection)
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        while not stop.is_set():
            await connection.execute(_WRITE, UUID(ids[done[0] % len(ids)]))
            done[0] += 1
            await asyncio.sleep(max(0.0, started + done[0] / rate - loop.time()))
    finally:
        await connection.close()
