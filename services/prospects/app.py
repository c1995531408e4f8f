"""The prospects service, put together: settings, routes, and their OpenAPI document."""

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from services.common.http import openapi, system
from services.common.http.app import DB, build_app
from services.prospects import routes, routes_changes, routes_export
from services.prospects.cursor import Cursors
from services.prospects.export import Exports
from services.prospects.routes import CATALOGUE, SHELF
from services.prospects.routes_export import EXPORTS
from services.prospects.service import Catalogue
from services.prospects.settings import ProspectsSettings
from services.prospects.shelf import Shelf
from services.prospects.totals import Totals

NAME = "prospects"
_SERVED = (routes_changes.routes, routes_export.routes, routes.routes)


def build(settings: ProspectsSettings) -> web.Application:
    """The application; opens nothing before it is served."""
    app = build_app(settings, _SERVED, service=NAME)
    # every process of the service has one of them, and it is the same
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    cursors = Cursors(secret or settings.database_url)
    app[SHELF] = Shelf(settings.shelf_mb * 2**20)

    async def catalogue(app: web.Application) -> AsyncIterator[None]:
        totals = Totals(app[DB])
        app[EXPORTS] = Exports(app[DB])
        app[CATALOGUE] = Catalogue(app[DB], totals, cursors)
        yield
        await totals.close()

    app.cleanup_ctx.append(catalogue)
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document, as served at /openapi.json and kept in openapi.json."""
    served = [route for group in (*_SERVED, system.routes) for route in group]
    return openapi.build(f"ucc-intel {NAME}", served)
