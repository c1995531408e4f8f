"""A commit whose answer is lost: whoever repeats the request gets a right answer, and it is one.

The connection to the database breaks after the server has done what it was told and before it
could say so. The caller gets 503 and cannot know; this is what a repetition comes to.
"""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.prospects.app import build
from services.prospects.settings import ProspectsSettings
from tests.integration.prospects.support import Answer, Desk
from tests.support.proxy import Proxy, proxied
from tests.support.stack import TestDatabase

COMMIT = b"COMMIT;"
SECRET = "s" * 32
NEW = {"company_name": "Blue Cafe LLC", "state": "CO", "industry": "retail"}


@pytest.fixture
async def proxy(database: TestDatabase) -> AsyncIterator[Proxy]:
    """What stands between the service and PgBouncer."""
    async with proxied(database.url) as made:
        yield made


@pytest.fixture
async def desk(proxy: Proxy, database: TestDatabase) -> AsyncIterator[Desk]:
    """The service behind the proxy."""
    settings = ProspectsSettings.model_validate({"database_url": proxy.url, "jwt_secret": SECRET})
    async with TestClient(TestServer(build(settings))) as client:
        yield Desk(client, settings, database)


async def lost(
    desk: Desk,
    proxy: Proxy,
    said: bytes,
    method: str,
    path: str,
    body: object = None,
    **headers: Any,
) -> Answer:
    """Ask, lose the answer to what has `said` in it, ask again: the second answer."""
    proxy.cut_after(said)
    first = await desk.call(method, path, body, **headers)
    assert (first.status, first.body["code"]) == (503, "unavailable")
    assert int(first.headers["Retry-After"]) >= 1
    return await desk.call(method, path, body, **headers)


def names(database: TestDatabase) -> str:
    return database.psql("SELECT company_name FROM prospects")


async def actions(desk: Desk, prospect_id: str) -> list[str]:
    return [change["action"] for change in await desk.history(prospect_id)]


async def test_a_create_with_a_key_made_one_and_tells_of_it(desk: Desk, proxy: Proxy) -> None:
    again = await lost(desk, proxy, COMMIT, "POST", "", NEW, Idempotency_Key="k-1")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert names(desk.database) == "Blue Cafe LLC"
    assert await actions(desk, again.body["id"]) == ["create"]


async def test_a_create_without_a_key_tells_of_the_one_it_made(desk: Desk, proxy: Proxy) -> None:
    again = await lost(desk, proxy, COMMIT, "POST", "", NEW)
    assert again.status == 409
    assert names(desk.database) == "Blue Cafe LLC"
    assert await actions(desk, again.body["existing_id"]) == ["create"]


async def test_a_claim_is_held_by_its_caller(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    again = await lost(desk, proxy, UUID(met).bytes, "POST", f"/{met}/claim")
    assert (again.status, again.body["claimed_by"], again.body["version"]) == (200, "ann", 2)
    other = await desk.call("POST", f"/{met}/claim", user="bob")
    assert (other.status, other.body["claimed_by"]) == (409, "ann")
    assert await actions(desk, met) == ["claim"]


async def test_a_batch_of_claims_counts_what_it_holds(desk: Desk, proxy: Proxy) -> None:
    ids = [desk.debtor(number) for number in (1, 2, 3)]
    again = await lost(desk, proxy, COMMIT, "POST", "/claim", {"prospect_ids": ids})
    assert (again.status, again.body["claimed"]) == (200, 3)
    assert [await actions(desk, each) for each in ids] == [["claim"]] * 3


async def test_an_unclaim_is_given_up_once(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    await desk.call("POST", f"/{met}/claim")
    again = await lost(desk, proxy, b"unclaim", "POST", f"/{met}/unclaim")
    assert (again.status, again.body["claimed_by"]) == (200, None)
    assert await actions(desk, met) == ["claim", "unclaim"]


async def test_a_patch_is_written_once(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    again = await lost(desk, proxy, b"rang", "PATCH", f"/{met}", {"notes": "rang"})
    assert (again.status, again.body["notes"], again.body["version"]) == (200, "rang", 2)
    assert await actions(desk, met) == ["update"]


async def test_a_patch_of_a_version_says_that_there_is_another(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    tag = (await desk.call("GET", f"/{met}")).headers["ETag"]
    again = await lost(desk, proxy, b"rang", "PATCH", f"/{met}", {"notes": "rang"}, If_Match=tag)
    assert (again.status, again.body["version"]) == (412, 2)
    assert (await desk.call("GET", f"/{met}")).body["notes"] == "rang"


async def test_a_contact_with_a_key_is_noted_once(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    note = {"note": "rang", "status": "contacted"}
    path = f"/{met}/contact"
    again = await lost(desk, proxy, COMMIT, "POST", path, note, Idempotency_Key="k-1")
    assert (again.status, again.body["notes"]) == (200, "rang")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await actions(desk, met) == ["contact"]


async def test_a_delete_says_that_there_is_nothing(desk: Desk, proxy: Proxy) -> None:
    met = desk.debtor(1)
    again = await lost(desk, proxy, COMMIT, "DELETE", f"/{met}")
    assert again.status == 404
    assert await actions(desk, met) == ["delete"]
