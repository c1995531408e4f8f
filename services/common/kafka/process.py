"""How a process without an API of its own runs: loop, signals, health, quieter libraries."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Protocol

import uvloop

from services.common.errors import Unavailable
from services.common.health import Check

STALE_S = 45.0
_CHATTY = ("aiokafka", "faust", "mode")
_SILENCE_S = 30.0
_MOST_KEPT = 1000


class Throttle(logging.Filter):
    """Lets the Kafka libraries say the same thing once in half a minute.

    Without a broker they log some twenty lines a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """False for what was said a moment ago."""
        if record.name.partition(".")[0] not in _CHATTY:
            return True
        key, now = (record.name, str(record.msg)[:80]), monotonic()
        if now - self._said.get(key, -_SILENCE_S) < _SILENCE_S:
            return False
        if len(self._said) >= _MOST_KEPT:
            self._said.clear()
        self._said[key] = now
        return True


class Turning(Protocol):
    """A loop; `ticked` is the monotonic time of its last turn."""

    ticked: float


def turning(loop: Turning) -> Check:
    """A live check: fails where a loop has not turned for `STALE_S`, whatever it waits for.

    Every wait of our loops is bounded, so a dependency that is away does not stop them.
    """

    async def check() -> None:
        if (age := monotonic() - loop.ticked) > STALE_S:
            raise Unavailable(f"The loop has not turned for {age:.0f} s")

    return check


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stopping)` to its end; SIGTERM and SIGINT set `stopping`."""
    for handler in logging.root.handlers:
        handler.addFilter(Throttle())

    async def run_main() -> None:
        stopping = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
        await main(stopping)

    uvloop.run(run_main())
