"""HTTP of the migrator: /health, /health/live (the watch is alive) and /metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.aiohttp import make_aiohttp_handler

from services.common.health import Health, HealthReport


def build(health: Health) -> web.Application:
    """The application; liveness runs the `live` checks of `health`."""

    async def alive(_: web.Request) -> web.Response:
        return _answer(await health.report())

    async def live(_: web.Request) -> web.Response:
        return _answer(await health.report(health.live))

    app = web.Application()
    app.router.add_get("/health", alive)
    app.router.add_get("/health/live", live)
    app.router.add_get("/metrics", make_aiohttp_handler())
    return app


@asynccontextmanager
async def serving(app: web.Application, address: str, port: int) -> AsyncIterator[None]:
    """Serve while the block runs."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port).start()
        yield
    finally:
        await runner.cleanup()


def _answer(report: HealthReport) -> web.Response:
    return web.Response(
        text=report.model_dump_json(exclude_none=True),
        content_type="application/json",
        status=200 if report.status == "ok" else 503,
    )
