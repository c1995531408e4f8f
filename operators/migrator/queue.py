"""One look at a resource at a time: whatever happens only wakes its key, and wakes coalesce.

An error of a look is logged and looked at again with back-off; it never leaves the queue, so
that neither kopf nor the process has to deal with it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.common import pauses
from services.common.errors import AppError
from services.common.logs import redact

Key = tuple[str, str]
"""Namespace and name."""
Look = Callable[[Key], Awaitable[float | None]]
BACKOFF_CAP_S, WEATHER_CAP_S = 60.0, 5.0
log = logging.getLogger(__name__)


class Queue:
    """Calls `look` for each key that was woken; it returns after how many seconds to look again.

    None ends the key until it is woken anew. `width` looks run at once.
    """

    def __init__(self, look: Look, width: int = 20) -> None:
        self._look = look
        self._width = asyncio.Semaphore(width)
        self._woken: dict[Key, asyncio.Event] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._closed = False

    def wake(self, key: Key) -> None:
        """Look at this resource soon."""
        if self._closed:
            return
        self._woken.setdefault(key, asyncio.Event()).set()
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._run(key), name=f"{key[0]}/{key[1]}")

    async def close(self) -> None:
        """End all looks; one that is interrupted is taken up from the cluster's own state."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: Key) -> None:
        woken, failures = self._woken[key], 0
        while True:
            woken.clear()
            async with self._width:
                try:
                    again_s = await self._look(key)
                    failures = 0
                except Exception as exc:
                    failures += 1
                    cap_s = WEATHER_CAP_S if is_weather(exc) else BACKOFF_CAP_S
                    again_s = pauses.longest(failures, 0.5, cap_s)
                    _tell(exc, key, again_s)
            if again_s is None and not woken.is_set():
                del self._tasks[key], self._woken[key]
                return
            if again_s is not None:
                await pauses.until(woken, again_s)


def is_weather(exc: Exception) -> bool:
    """An API server that is away, an object that changed meanwhile: it passes."""
    return isinstance(exc, AppError) and exc.retryable


def _tell(exc: Exception, key: Key, again_s: float) -> None:
    """Retryable errors are the weather; another kind is ours, and shows its traceback."""
    where = {"namespace": key[0], "resource": key[1], "again_s": again_s}
    if isinstance(exc, AppError):
        level = logging.INFO if exc.code == "changed" else logging.WARNING
        log.log(level, "look again: %s", redact(exc.detail), extra={**where, "code": exc.code})
    else:
        log.error("a look failed", exc_info=exc, extra=where)
