"""Claims on real connections: of any number at once exactly one wins."""

import asyncio
from collections import Counter
from uuid import uuid4

import aiohttp
import pytest

from services.common.http import token
from services.common.types import Role
from tests.integration.prospects.support import Desk

RACERS = 20


async def _race(desk: Desk, prospect_id: str) -> list[int]:
    """Twenty users on a connection each, all let go at once; their statuses."""
    start = asyncio.Event()
    address = desk.client.make_url(f"/api/prospects/{prospect_id}/claim")

    async def racer(number: int) -> int:
        bearer = token.make(desk.settings, Role.ANALYST, f"user{number}")
        headers = {"Authorization": f"Bearer {bearer}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            # opens the connection before the start
            async with session.get(desk.client.make_url("/health/live")) as answer:
                await answer.read()
            await start.wait()
            async with session.post(address) as answer:
                return answer.status

    racers = [asyncio.create_task(racer(number)) for number in range(RACERS)]
    await asyncio.sleep(0.2)
    start.set()
    return await asyncio.gather(*racers)


async def test_one_of_twenty_wins_every_time(desk: Desk) -> None:
    for number in range(1, 9):
        met = desk.debtor(number)
        assert Counter(await _race(desk, met)) == {200: 1, 409: RACERS - 1}
        assert len(await desk.history(met)) == 1
        assert (await desk.call("GET", f"/{met}")).body["version"] == 2


async def test_the_loser_is_told_who_holds_it_since_when(desk: Desk) -> None:
    made = await desk.make()
    won = await desk.call("POST", f"/{made}/claim", user="ann")
    assert (won.status, won.body["status"], won.body["claimed_by"]) == (200, "claimed", "ann")
    lost = await desk.call("POST", f"/{made}/claim", user="bob")
    assert (lost.status, lost.body["claimed_by"]) == (409, "ann")
    assert lost.body["claimed_at"][:19] == won.body["claimed_at"][:19]
    assert "ann holds this prospect since 20" in lost.body["message"]


async def test_the_same_user_claiming_again_changes_nothing(desk: Desk) -> None:
    made = await desk.make()
    first = await desk.call("POST", f"/{made}/claim")
    again = await desk.call("POST", f"/{made}/claim", {})
    assert (again.status, again.body) == (200, first.body)


async def test_a_claim_leaves_a_later_status_alone(desk: Desk) -> None:
    met = desk.debtor(1, status="qualified")
    claimed = await desk.call("POST", f"/{met}/claim")
    assert (claimed.body["status"], claimed.body["claimed_by"]) == ("qualified", "ann")
    released = await desk.call("POST", f"/{met}/unclaim")
    assert (released.body["status"], released.body["claimed_by"]) == ("qualified", None)


async def test_the_holder_or_an_admin_gives_up_a_claim(desk: Desk) -> None:
    made = await desk.make()
    await desk.call("POST", f"/{made}/claim", user="ann")
    assert (await desk.call("POST", f"/{made}/unclaim", user="bob")).status == 403
    released = await desk.call("POST", f"/{made}/unclaim", user="ann")
    assert (released.status, released.body["status"]) == (200, "unclaimed")
    await desk.call("POST", f"/{made}/claim", user="bob")
    by_admin = await desk.call("POST", f"/{made}/unclaim", user="eve", role=Role.ADMIN)
    assert (by_admin.status, by_admin.body["claimed_by"]) == (200, None)


async def test_what_nobody_holds_stays_as_it_is(desk: Desk) -> None:
    made = await desk.make()
    released = await desk.call("POST", f"/{made}/unclaim")
    assert (released.status, released.body["version"]) == (200, 1)


async def test_a_batch_tells_of_each_in_the_order_asked(desk: Desk) -> None:
    free, mine, taken, missing = desk.debtor(1), desk.debtor(2), desk.debtor(3), str(uuid4())
    await desk.call("POST", f"/{mine}/claim", user="ann")
    await desk.call("POST", f"/{taken}/claim", user="bob")
    asked = [taken, free, missing, mine, free]
    answer = await desk.call("POST", "/claim", {"prospect_ids": asked}, user="ann")
    assert (answer.status, answer.body["claimed"], answer.body["failed"]) == (200, 2, 2)
    results = answer.body["results"]
    assert [r["prospect_id"] for r in results] == [taken, free, missing, mine]
    assert [r["success"] for r in results] == [False, True, False, True]
    assert results[0]["error"].startswith("bob holds it since 20")
    assert results[2]["error"] == f"Prospect {missing} not found"
    assert [len(await desk.history(each)) for each in (taken, free, mine)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"prospect_ids": []}, "/body/prospect_ids"),
        ({"prospect_ids": "all"}, "/body/prospect_ids"),
        ({}, "/body/prospect_ids"),
        ({"prospect_ids": [str(uuid4()), "x"]}, "/body/prospect_ids/1"),
        ({"prospect_ids": [str(uuid4())] * 1001}, "/body/prospect_ids"),
        ({"prospect_ids": [str(uuid4())], "force": True}, "/body/force"),
    ],
)
async def test_what_a_batch_may_not_ask(desk: Desk, body: dict[str, object], pointer: str) -> None:
    refused = await desk.call("POST", "/claim", body)
    assert (refused.status, refused.pointers) == (400, [pointer])


async def test_crossing_batches_share_without_deadlock(desk: Desk) -> None:
    ids = desk.debtors(range(1, 61))
    answers = await asyncio.gather(
        *(
            desk.call("POST", "/claim", {"prospect_ids": ids[:: 1 - 2 * (n % 2)]}, user=f"u{n}")
            for n in range(8)
        )
    )
    assert {answer.status for answer in answers} == {200}
    assert sum(answer.body["claimed"] for answer in answers) == 60


@pytest.mark.parametrize("path", ["", "/claim", "/{id}/claim", "/{id}/unclaim", "/{id}/contact"])
async def test_viewers_only_read(desk: Desk, path: str) -> None:
    met = desk.debtor(1)
    refused = await desk.call("POST", path.format(id=met), {}, role=Role.VIEWER)
    assert refused.status == 403


async def test_services_write_but_do_not_delete(desk: Desk) -> None:
    met = desk.debtor(1)
    assert (await desk.call("POST", f"/{met}/claim", role=Role.SERVICE)).status == 200
    assert (await desk.call("DELETE", f"/{met}", role=Role.SERVICE)).status == 403
