"""A route to the database that is lost: nobody hangs up, nothing comes back any more."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.prospects.app import build
from services.prospects.settings import ProspectsSettings
from tests.integration.prospects.support import Desk
from tests.support.proxy import Proxy, proxied
from tests.support.stack import TestDatabase
from tests.support.waiting import PATIENCE_S

DEADLINE_S = 1.5


@pytest.fixture
async def proxy(database: TestDatabase) -> AsyncIterator[Proxy]:
    """What stands between the service and PgBouncer."""
    async with proxied(database.url) as made:
        yield made


@pytest.fixture
async def desk(proxy: Proxy, database: TestDatabase) -> AsyncIterator[Desk]:
    """The service behind the proxy."""
    given = {"database_url": proxy.url, "jwt_secret": "s" * 32, "request_deadline_s": DEADLINE_S}
    settings = ProspectsSettings.model_validate(given)
    async with TestClient(TestServer(build(settings))) as client:
        yield Desk(client, settings, database)


async def test_lists_come_back_with_the_next_connections(desk: Desk, proxy: Proxy) -> None:
    assert (await desk.call("GET", "")).status == 200
    await asyncio.sleep(2)  # until the totals must be read anew
    proxy.forget()
    begun = time.monotonic()
    while (await desk.call("GET", "")).status != 200:
        assert time.monotonic() - begun < PATIENCE_S


async def test_a_user_disabled_meanwhile_is_refused_soon(desk: Desk, proxy: Proxy) -> None:
    assert (await desk.call("GET", "")).status == 200
    await asyncio.sleep(0.5)
    proxy.forget()
    desk.database.psql("UPDATE users SET disabled_at = now() WHERE subject = 'ann'")
    begun = time.monotonic()
    while (await desk.call("GET", "")).status != 401:
        assert time.monotonic() - begun < PATIENCE_S
