"""The service as it is run: who may read, what it tells of itself, how it ends."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable

import aiohttp
import asyncpg
import pytest
from openapi_spec_validator import validate

from services.common.types import Role
from services.prospects.app import document
from services.prospects.settings import ProspectsSettings
from tests.integration.prospects.support import Client, bearer, running
from tests.stack.config import REPO
from tests.stack.ports import free_port
from tests.support.stack import TestDatabase
from tests.support.waiting import PATIENCE_S, until

BOTH = ["/api/prospects", "/api/prospects/00000000-0000-4000-8000-000000000001"]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("role", list(Role))
async def test_every_role_may_read(
    open_api: Client, settings: ProspectsSettings, role: Role, path: str
) -> None:
    assert (await open_api.get(path, headers=bearer(settings, role))).status == 200


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("value", [None, "Bearer garbage", "Basic YTpi"])
async def test_nobody_else_may(open_api: Client, path: str, value: str | None) -> None:
    response = await open_api.get(path, headers={"Authorization": value} if value else {})
    assert (response.status, response.content_type) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_request_id_is_echoed(api: Client) -> None:
    response = await api.get("/api/prospects?limit=1", headers={"X-Request-Id": "call-17"})
    assert response.headers["X-Request-Id"] == "call-17"


async def test_metrics_are_by_route_template_and_query_name(api: Client) -> None:
    for path in BOTH:
        await api.get(path)
    text = await (await api.get("/metrics")).text()
    assert 'ucc_http_requests_total{method="GET",route="/api/prospects/{id}",status="200"}' in text
    assert 'ucc_http_requests_total{method="GET",route="/api/prospects",status="200"}' in text
    for query in ("prospects_page", "prospect_cells", "prospect_get"):
        assert f'ucc_db_query_seconds_count{{query="{query}"}}' in text
    assert "00000000-0000" not in text


async def test_the_document_is_served_and_valid(open_api: Client) -> None:
    served = await (await open_api.get("/openapi.json")).json()
    validate(served)
    assert served == document()


async def test_sigterm_lets_a_slow_request_finish(
    settings: ProspectsSettings, environment: dict[str, str], database: TestDatabase
) -> None:
    headers = bearer(settings, Role.VIEWER)
    blocker = await asyncpg.connect(database.direct_url)
    env = environment | {"NOT_READY_S": "2"}
    async with running(env) as service, aiohttp.ClientSession(headers=headers) as session:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE prospects IN ACCESS EXCLUSIVE MODE")
            slow = asyncio.create_task(session.get(f"{service.url}/api/prospects"))
            await until(lambda: blocker.fetchval("SELECT true FROM pg_locks WHERE NOT granted"))
            service.process.terminate()
            await until(lambda: service.answers("/health/ready", 503))
            await until(lambda: _not(service.answers("/health/live")))
            assert service.process.returncode is None
        response = await slow
        assert (response.status, (await response.json())["prospects"]) == (200, [])
        assert await asyncio.wait_for(service.process.wait(), PATIENCE_S) == 0
    await blocker.close()


async def _not(asked: Awaitable[bool]) -> bool:
    return not await asked


async def test_without_a_database_requests_get_503_and_no_hang(
    settings: ProspectsSettings, environment: dict[str, str]
) -> None:
    headers = bearer(settings, Role.VIEWER)
    nowhere = {"DATABASE_URL": f"postgresql://app:secret@127.0.0.1:{free_port()}/none"}
    async with running(environment | nowhere) as service, aiohttp.ClientSession() as session:
        async with session.get(f"{service.url}/api/prospects", headers=headers) as response:
            assert (response.status, response.content_type) == (503, "application/problem+json")
            assert int(response.headers["Retry-After"]) >= 1
        assert await service.answers("/health/ready", 503)


def test_openapi_is_printed_without_any_environment() -> None:
    argv = [sys.executable, "-m", "services.prospects", "openapi"]
    done = subprocess.run(argv, env={}, cwd=REPO, capture_output=True, check=True)
    assert json.loads(done.stdout) == document()


def test_an_unknown_argument_is_refused_with_the_usage() -> None:
    argv = [sys.executable, "-m", "services.prospects", "serve"]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "usage: python -m services.prospects [openapi]\n")
