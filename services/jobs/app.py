"""The jobs service, put together: settings, routes, and their OpenAPI document."""

from typing import Any

from aiohttp import web

from services.common.http import openapi, system
from services.common.http.app import build_app
from services.jobs.routes import routes
from services.jobs.settings import JobsSettings

NAME = "jobs"


def build(settings: JobsSettings) -> web.Application:
    """The application; opens nothing before it is served."""
    return build_app(settings, [routes], service=NAME)


def document() -> dict[str, Any]:
    """The OpenAPI document, as served at /openapi.json and kept in openapi.json."""
    return openapi.build(f"ucc-intel {NAME}", [*routes, *system.routes])
