"""How a process without an API runs: event loop, signals, quieter logs of the Kafka libraries."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from time import monotonic

import uvloop

_CHATTY = ("aiokafka", "faust", "mode")
_SILENCE_S = 30.0


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
        self._said[key] = now
        return True


def run(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main(stopping)` to its end; SIGTERM and SIGINT set `stopping`."""
    for handler in logging.root.handlers:
        handler.addFilter(Throttle())

    async def run_main() -> None:
        stopping = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
        await main(stopping)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_main())
