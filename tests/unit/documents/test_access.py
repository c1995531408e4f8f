"""Every cell of services/access.md, asked over HTTP of the service itself.

The database is away: whoever is let in gets as far as that (503), or to a fault of the input.
"""

import importlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.config import ApiSettings
from services.common.http.routes import Route
from services.common.http.token import make
from services.common.types import Role
from tests.support import documents

SECRET = "s" * 32
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
Client = TestClient[web.Request, web.Application]


def settings_of(service: str) -> ApiSettings:
    module = importlib.import_module(f"services.{service}.settings")
    kind: type[ApiSettings] = next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ApiSettings) and value is not ApiSettings
    )
    return kind.model_validate({"database_url": NOWHERE, "jwt_secret": SECRET, "port": 0})


@pytest.fixture(params=documents.APIS)
async def served(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Client]]:
    """A service and a client of it."""
    build: Any = importlib.import_module(f"services.{request.param}.app").build
    async with TestClient(TestServer(build(settings_of(request.param)))) as client:
        yield request.param, client


def rows() -> dict[str, dict[str, bool]]:
    """The table as it is committed: endpoint -> column -> whether it is let in."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in documents.ACCESS.read_text().splitlines()
        if line.startswith("|")
    ]
    head, body = cells[0], cells[2:]
    return {row[0]: dict(zip(head[1:], [c == "yes" for c in row[1:]], strict=True)) for row in body}


def of(service: str) -> dict[str, dict[str, bool]]:
    document = json.loads((documents.REPO / "services" / service / "openapi.json").read_text())
    return {endpoint: rows()[endpoint] for endpoint in documents.access({service: document})}


async def ask(client: Client, endpoint: str, role: str) -> int:
    method, _, template = endpoint.partition(" ")
    path = re.sub(r"{(\w+)}", "11111111-1111-4111-8111-111111111111", template)
    settings = settings_of("jobs")
    headers = (
        {} if role == "no token" else {"Authorization": f"Bearer {make(settings, Role(role))}"}
    )
    async with client.request(method, path, headers=headers, allow_redirects=False) as response:
        return response.status


async def test_every_cell_is_as_the_table_says(served: tuple[str, Client]) -> None:
    service, client = served
    wrong = []
    for endpoint, cells in of(service).items():
        for column, let_in in cells.items():
            status = await ask(client, endpoint, column)
            refused = 401 if column == "no token" else 403
            if (status in (401, 403)) == let_in or (not let_in and status != refused):
                wrong.append(f"{endpoint} as {column}: {status}")
    assert wrong == []


async def test_no_route_is_missing_from_the_table(served: tuple[str, Client]) -> None:
    service, client = served
    routes = [
        route
        for resource in client.app.router.resources()
        for found in resource
        if isinstance(route := getattr(found.handler, "__self__", None), Route)
    ]
    assert {f"{route.method} {route.path}" for route in routes} == set(of(service))
