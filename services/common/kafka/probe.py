"""Health and metrics of a process without an API: worker, relay, scheduler.

Live means progress: a loop that has not turned for `STALE_S` seconds is stuck and wants a
restart; a dependency that is away does not stop the loops. Ready asks the database.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services import __version__
from services.common.errors import Unavailable

STALE_S = 45.0


@dataclass(frozen=True, slots=True)
class Probe:
    """`ticks`: monotonic time of each loop's last turn; `ready` raises Unavailable if not so."""

    service: str
    ticks: Callable[[], Mapping[str, float]]
    ready: Callable[[], Awaitable[Mapping[str, object]]]

    async def serve(self, port: int, stack: AsyncExitStack) -> None:
        """Answer on `port` until `stack` closes."""
        app = web.Application()
        app.add_routes(
            [
                *(web.get(path, self.alive) for path in ("/health", "/api/health", "/health/live")),
                *(web.get(path, self.detailed) for path in ("/health/ready", "/health/detailed")),
                web.get("/metrics", _metrics),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "0.0.0.0", port).start()

    async def alive(self, _request: web.Request) -> web.Response:
        """200 while every loop turns."""
        now = monotonic()
        ages = {name: round(now - tick, 1) for name, tick in self.ticks().items()}
        stuck = [name for name, age in ages.items() if age > STALE_S]
        return self._answer(not stuck, {"seconds_since_progress": ages})

    async def detailed(self, _request: web.Request) -> web.Response:
        """200 while work can be done: the database answers and no drain has begun."""
        try:
            return self._answer(True, await self.ready())
        except Unavailable as exc:
            return self._answer(False, {"reason": exc.detail})

    def _answer(self, good: bool, details: Mapping[str, object]) -> web.Response:
        body = {
            "status": "ok" if good else "unavailable",
            "service": self.service,
            "version": __version__,
            **details,
        }
        return web.json_response(body, status=200 if good else 503)


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
