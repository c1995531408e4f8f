"""The jobs service, put together: settings, routes, and their OpenAPI document."""

import asyncio
from typing import Any

from aiohttp import web

from services.common.http import openapi, system
from services.common.http.app import build_app
from services.jobs import (
    routes,
    routes_admin,
    routes_files,
    routes_quarantine,
    routes_queues,
    routes_schedules,
    routes_steering,
    routes_users,
)
from services.jobs.settings import JobsSettings

NAME = "jobs"
ROUTES = (
    routes_admin.routes,
    routes_files.routes,
    routes_quarantine.routes,
    routes_users.routes,
    routes_queues.routes,
    routes_schedules.routes,
    routes_steering.routes,
    routes.routes,
)


def build(settings: JobsSettings) -> web.Application:
    """The application; opens nothing before it is served."""
    app = build_app(settings, ROUTES, service=NAME)
    app[routes_files.PLACES] = asyncio.Semaphore(settings.file_uploads_max)
    return app


def document() -> dict[str, Any]:
    """The OpenAPI document, as served at /openapi.json and kept in openapi.json."""
    return openapi.build(
        f"ucc-intel {NAME}", [route for group in (*ROUTES, system.routes) for route in group]
    )
