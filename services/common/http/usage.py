"""Usage: how often each caller asked for each endpoint, summed here and written every few seconds.

Requests add to numbers in memory; a task, and the drain, add these to usage_tracking. Admins read
them at GET /api/jobs/usage.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import time

from aiohttp import web

from services.common import metrics
from services.common.db import Database
from services.common.errors import AppError
from services.common.http.routes import DB
from services.common.sql import load

Q = load(Path(__file__).with_name("usage.sql"))
log = logging.getLogger(__name__)
FLUSH_S = 5.0
_TIMEOUT_S = 2.0
_MOST = 100_000
"""Sums held while the database is away; what is beyond is counted as dropped."""

_Key = tuple[str, str, int]
_Sum = tuple[int, int, float]


class Usage:
    """The sums that are not written yet, by (subject, endpoint, hour)."""

    def __init__(self) -> None:
        self._sums: dict[_Key, _Sum] = {}

    def note(self, subject: str, endpoint: str, seconds: float, failed: bool) -> None:
        """Count a request that ended now."""
        self._add((subject, endpoint, int(time() // 3600)), (1, int(failed), seconds * 1000))

    async def flush(self, db: Database) -> None:
        """Write the sums; where that fails they are kept for the next time. Raises Unavailable.

        A commit whose answer is lost is written again: usage may then be too high, never too low.
        """
        sums, self._sums = self._sums, {}
        if not sums:
            return
        rows = [
            {"subject": key[0], "endpoint": key[1], "hour": _begin(key[2]),
             "requests": amount[0], "errors": amount[1], "duration_ms": round(amount[2])}
            for key, amount in sums.items()
        ]  # fmt: skip
        try:
            await db.execute(Q["usage_add"], rows, timeout=_TIMEOUT_S)
        except BaseException:
            for key, amount in sums.items():
                self._add(key, amount)
            raise

    def _add(self, key: _Key, amount: _Sum) -> None:
        known = self._sums.get(key)
        if known is not None:
            amount = (known[0] + amount[0], known[1] + amount[1], known[2] + amount[2])
        elif len(self._sums) >= _MOST:
            metrics.usage_dropped_total.inc(amount[0])
            return
        self._sums[key] = amount


def _begin(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)


USAGE: web.AppKey[Usage] = web.AppKey("usage", Usage)


async def keep(app: web.Application) -> AsyncIterator[None]:
    """Cleanup context: flush while the application lives, and once more when it has drained."""
    task = asyncio.create_task(_flush_often(app))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await _try_flush(app)


async def _flush_often(app: web.Application) -> None:
    while True:
        await asyncio.sleep(FLUSH_S)
        await _try_flush(app)


async def _try_flush(app: web.Application) -> None:
    try:
        await app[USAGE].flush(app[DB])
    except AppError as exc:
        log.warning("usage is not written: %s", exc.detail)
