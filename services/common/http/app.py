"""Puts a service together and runs it: `run(lambda: build_app(...))` is its whole main."""

import asyncio
import errno
import logging
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import uvloop
from aiohttp import hdrs, web

from services.common.config import ApiSettings, Settings
from services.common.db import Database
from services.common.errors import AppError
from services.common.health import Health
from services.common.http import middleware, openapi, system, usage
from services.common.http.guard import GUARD, Guard
from services.common.http.headers import add_headers
from services.common.http.routes import DB as DB
from services.common.http.routes import Route, Routes
from services.common.http.server import Runner, listen
from services.common.http.state import HEALTH, SETTINGS
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

    Routes with roles need ApiSettings. Further things to open go on
    `app.cleanup_ctx`, further checks on `app[HEALTH].ready` and `.live`.
    """
    app = web.Application(
        middlewares=[middleware.observe], client_max_size=settings.body_limit_bytes
    )
    app[SETTINGS], app[HEALTH] = settings, Health(service)
    app.on_response_prepare.append(add_headers)
    served = [route for group in (*routes, system.routes) for route in group]
    for route in served:
        if route.method == "GET":
            app.router.add_get(route.path, route.endpoint)
        else:
            app.router.add_route(route.method, route.path, route.endpoint)
    _refuse_other_methods(app, served)
    system.add(app, openapi.build(f"ucc-intel {service}", served))
    if db is None:
        app.cleanup_ctx.append(_open_database)
    else:
        _use(app, db)
    if isinstance(settings, ApiSettings):
        app[GUARD] = Guard(settings)
        app.cleanup_ctx.append(_open_guard)
        app[usage.USAGE] = usage.Usage()
        app.cleanup_ctx.append(usage.keep)
    return app


def _refuse_other_methods(app: web.Application, served: list[Route]) -> None:
    """405 at an address itself: what POST /things/sweep is, GET must not meet as /things/{id}."""
    methods: dict[str, set[str]] = {}
    for route in served:
        if "{" not in route.path:
            taken = {route.method, "HEAD"} if route.method == "GET" else {route.method}
            methods.setdefault(route.path, set()).update(taken)
    for path, taken in methods.items():
        app.router.add_route(hdrs.METH_ANY, path, partial(_refuse, taken))


async def _refuse(taken: set[str], request: web.Request) -> web.StreamResponse:
    raise web.HTTPMethodNotAllowed(request.method, taken)


def _use(app: web.Application, db: Database) -> None:
    app[DB] = db
    app[HEALTH].ready["database"] = lambda: db.fetchval(_PING)


async def _open_database(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    # nothing is opened yet: a service starts, and says it is not ready, while PostgreSQL is away
    db = await Database.connect(
        settings.database_url,
        min_size=0,
        max_size=settings.db_pool_max,
        idle_s=settings.db_pool_idle_s,
        connect_timeout_s=settings.db_connect_timeout_s,
    )
    _use(app, db)
    await _check(db, settings.db_connect_timeout_s)
    yield
    await db.close()


async def _check(db: Database, timeout_s: float) -> None:
    """Say at the start what is wrong with the database; /health/ready goes on asking."""
    try:
        async with asyncio.timeout(timeout_s):
            await db.fetchval(_PING)
    except (AppError, TimeoutError) as exc:
        log.warning("not ready: the database does not answer", extra={"cause": repr(exc)})
    except asyncpg.PostgresError as exc:
        log.error("not ready: the database refuses us", extra={"cause": repr(exc)})


async def _open_guard(app: web.Application) -> AsyncIterator[None]:
    async for _ in app[GUARD].open(app[DB]):
        yield


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[None]:
    """Serve while the block runs; then requests in flight finish, then what was opened closes.

    Exits 1 with one sentence where the port is taken.
    """
    settings = app[SETTINGS]
    runner = Runner(app, head_timeout_s=settings.head_timeout_s, drain_s=settings.drain_s)
    await runner.setup()
    try:
        listening = listen(settings.listen_address, settings.port)
        await web.SockSite(runner, listening, backlog=1024).start()
        log.info("serving", extra={"port": settings.port})
        async with runner.watching():
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
