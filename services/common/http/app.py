"""Puts a service together and runs it: `run(lambda: build_app(...))` is its whole main."""

import asyncio
import errno
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web

from services.common.config import JwtSettings, Settings
from services.common.db import Database
from services.common.health import Health
from services.common.http import middleware, openapi, system
from services.common.http.auth import Authenticator
from services.common.http.middleware import HEALTH, SETTINGS
from services.common.http.routes import AUTH, Routes
from services.common.http.routes import DB as DB
from services.common.sql import Query

log = logging.getLogger(__name__)
_PING = Query("ping", "SELECT 1")


def build_app(
    settings: Settings,
    routes: Iterable[Routes] = (),
    *,
    service: str,
    db: Database | None = None,
) -> web.Application:
    """The application of `service`; `app[DB]` is `db`, else a pool opened with the application.

    Routes with roles need settings with JWT_SECRET (ApiSettings). Further things to open go on
    `app.cleanup_ctx`, further checks on `app[HEALTH].ready` and `.live`.
    """
    app = web.Application(
        middlewares=[middleware.observe], client_max_size=settings.body_limit_bytes
    )
    app[SETTINGS], app[HEALTH] = settings, Health(service)
    if isinstance(settings, JwtSettings):
        app[AUTH] = Authenticator(settings)
    app.on_response_prepare.append(middleware.add_headers)
    served = [route for group in (*routes, system.routes) for route in group]
    for route in served:
        if route.method == "GET":
            app.router.add_get(route.path, route.endpoint)
        else:
            app.router.add_route(route.method, route.path, route.endpoint)
    system.add(app, openapi.build(f"ucc-intel {service}", served))
    if db is None:
        app.cleanup_ctx.append(_open_database)
    else:
        _use(app, db)
    return app


def _use(app: web.Application, db: Database) -> None:
    app[DB] = db
    app[HEALTH].ready["database"] = lambda: db.fetchval(_PING)


async def _open_database(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    # nothing is opened yet: a service starts, and says it is not ready, while PostgreSQL is away
    db = await Database.connect(settings.database_url, min_size=0, max_size=settings.db_pool_max)
    _use(app, db)
    yield
    await db.close()


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[None]:
    """Serve while the block runs; then requests in flight finish, then what was opened closes.

    Exits 1 with one sentence where the port is taken.
    """
    settings = app[SETTINGS]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=settings.drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.listen_address, settings.port, backlog=1024).start()
        log.info("serving", extra={"port": settings.port})
        yield
    except OSError as exc:
        if exc.errno != errno.EADDRINUSE:
            raise
        sys.stderr.write(f"Port {settings.port} is taken: stop what uses it or set PORT.\n")
        raise SystemExit(1) from exc
    finally:
        await runner.cleanup()


def run(build: Callable[[], web.Application]) -> None:
    """Serve until SIGTERM or SIGINT, then drain; a second signal ends the process at once."""
    uvloop.run(_run(build()))


async def _run(app: web.Application) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with serving(app):
        await stop.wait()
        log.info("draining")
        app[HEALTH].draining = True
        # balancers see "not ready" before the port closes
        await asyncio.sleep(app[SETTINGS].not_ready_s)
