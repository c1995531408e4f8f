"""The client of outside sources: what it asks again, what it gives up, what it never tells."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from services.common import metrics
from services.common.errors import SourceRejected, SourceUnavailable
from services.pipelines.enrichment.signals import About
from services.pipelines.enrichment.signals.client import Client, Patience, QuotaUsed
from services.pipelines.enrichment.signals.reading import rows
from tests.support.sources.clients import HASTY, Memory, client_of
from tests.support.sources.stand_in import (
    BROKEN,
    EMPTY,
    HTML,
    ODD,
    THROTTLED,
    TORN,
    TRUNCATED,
    Asked,
    Fault,
    StandIn,
    stand_in,
)

ABOUT = About("usaspending", "https://api.usaspending.gov", 4.0, secrets={"key": "hush-hush"})
URL = "https://api.usaspending.gov/rows"


@pytest.fixture
async def source(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with stand_in(lambda _: [{"a": 1}]) as running:
        monkeypatch.setenv("SOURCE_USASPENDING_URL", running.url)
        yield running


async def ask(client: Client, **params: str) -> list[dict[str, Any]]:
    return await client.get(URL, params, rows)


def counted(outcome: str) -> float:
    value: float = metrics.source_requests_total.labels("usaspending", outcome)._value.get()
    return value


async def test_a_documented_address_is_asked_where_the_setting_says(source: StandIn) -> None:
    async with client_of(ABOUT) as client:
        assert await ask(client, q="x") == [{"a": 1}]
    (asked,) = source.asked
    assert (asked.path, asked.params) == ("/rows", {"q": "x", "key": "hush-hush"})


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (THROTTLED, "throttled"),
        (BROKEN, "server_error"),
        (Fault(503), "server_error"),
        (Fault(202), "server_error"),
        (HTML, "broken_body"),
        (TRUNCATED, "broken_body"),
        (TORN, "broken_body"),
        (ODD, "broken_body"),
        (EMPTY, "broken_body"),
        (Fault(slow_s=2), "timeout"),
    ],
)
async def test_what_may_pass_is_asked_again(source: StandIn, fault: Fault, outcome: str) -> None:
    source.fail(fault)
    before = counted(outcome)
    async with client_of(ABOUT, patience=HASTY) as client:
        assert await ask(client) == [{"a": 1}]
    assert len(source.asked) == 2
    assert counted(outcome) == before + 1


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, HTML, TRUNCATED, TORN, EMPTY, ODD])
async def test_what_does_not_pass_is_given_up(source: StandIn, fault: Fault) -> None:
    source.always = fault
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceUnavailable, match="SOURCE_USASPENDING_URL") as failure:
            await ask(client)
    assert len(source.asked) == 3
    assert "hush-hush" not in str(failure.value)


async def test_a_slow_source_is_tried_less_often(source: StandIn) -> None:
    source.always = Fault(slow_s=0.5)
    async with client_of(ABOUT, patience=Patience(timeout_s=0.2)) as client:
        with pytest.raises(SourceUnavailable, match="did not answer in"):
            await ask(client)
    assert len(source.asked) == 2


async def test_an_unreachable_source_does_not_tell_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_USASPENDING_URL", "http://127.0.0.1:1")
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceUnavailable, match="cannot be reached") as failure:
            await ask(client)
    assert "hush-hush" not in str(failure.value)


async def test_a_wrong_key_is_final_and_stops_the_questions(source: StandIn) -> None:
    source.fail(Fault(403, b"no such key: hush-hush"))
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceRejected, match=r"answered 403: no such key: \*\*\*"):
            await ask(client, q="1")
        with pytest.raises(SourceUnavailable, match="asked again in"):
            await ask(client, q="2")
    assert len(source.asked) == 1


async def test_a_bad_request_is_final_and_stops_nothing(source: StandIn) -> None:
    source.fail(Fault(400, b"bad field"))
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceRejected, match="bad field"):
            await ask(client, q="1")
        assert await ask(client, q="2")


MOVED = Fault(301, headers={"Location": "/elsewhere"})


async def test_a_data_host_that_moved_is_followed(source: StandIn) -> None:
    source.fail(MOVED)
    async with client_of(About("usaspending", "https://api.usaspending.gov", 4.0)) as client:
        assert await ask(client) == [{"a": 1}]
    assert [asked.path for asked in source.asked] == ["/rows", "/elsewhere"]


async def test_a_key_is_not_taken_elsewhere(source: StandIn) -> None:
    source.fail(MOVED)
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceRejected, match="answered 301"):
            await ask(client)
    assert len(source.asked) == 1


async def test_a_search_by_post_is_not_taken_elsewhere(source: StandIn) -> None:
    source.fail(MOVED)
    async with client_of(About("usaspending", "https://api.usaspending.gov", 4.0)) as client:
        with pytest.raises(SourceRejected, match="answered 301"):
            await client.post(URL, {"q": "x"}, rows)


async def test_a_circle_of_moves_ends(source: StandIn) -> None:
    source.always = MOVED
    async with client_of(About("usaspending", "https://api.usaspending.gov", 4.0)) as client:
        with pytest.raises(SourceUnavailable):
            await ask(client)


@pytest.mark.parametrize("asked_for", ["7", "Tue, 24 Nov 2026 15:00:07 GMT"])
async def test_retry_after_quiets_every_worker(source: StandIn, asked_for: str) -> None:
    memory = Memory()
    source.fail(Fault(429, headers={"Retry-After": asked_for}))
    async with client_of(ABOUT, memory, now=lambda: 1_795_532_400.0) as client:
        await ask(client)
    assert memory.hushed == [7.0]


@pytest.mark.parametrize("asked_for", ["soon", "nan", "-5", "0"])
async def test_a_retry_after_that_is_none_counts_as_none(source: StandIn, asked_for: str) -> None:
    memory = Memory()
    source.fail(Fault(429, headers={"Retry-After": asked_for}))
    async with client_of(ABOUT, memory) as client:
        assert await ask(client)
    assert memory.hushed == []


async def test_a_long_retry_after_is_not_waited_for_in_the_job(source: StandIn) -> None:
    memory = Memory()
    source.always = Fault(429, headers={"Retry-After": "90000"})
    async with client_of(ABOUT, memory) as client:
        with pytest.raises(SourceUnavailable):
            await ask(client)
    assert (len(source.asked), memory.hushed) == (1, [3600.0])


async def test_the_same_question_is_asked_once_a_day(source: StandIn) -> None:
    memory = Memory()
    async with client_of(ABOUT, memory) as client:
        assert await ask(client, q="1") == await ask(client, q="1")
        await ask(client, q="2")
    assert len(source.asked) == 2
    assert not any("hush-hush" in key for key in memory.kept)


async def test_after_a_day_it_is_asked_again(source: StandIn) -> None:
    memory, now = Memory(), time.time()
    async with client_of(ABOUT, memory, now=lambda: now) as client:
        await ask(client)
        client.now = lambda: now + 86_401
        await ask(client)
    assert len(source.asked) == 2


async def test_what_cannot_be_read_is_not_kept(source: StandIn) -> None:
    memory = Memory()
    source.always = ODD
    async with client_of(ABOUT, memory) as client:
        with pytest.raises(SourceUnavailable):
            await ask(client)
    assert memory.kept == {}


async def test_an_answer_that_did_not_change_is_confirmed_by_its_etag(source: StandIn) -> None:
    def respond(asked: Asked) -> web.Response:
        if asked.headers.get("If-None-Match") == '"v1"':
            assert asked.headers["If-Modified-Since"] == "yesterday"
            return web.Response(status=304)
        headers = {"ETag": '"v1"', "Last-Modified": "yesterday"}
        return web.json_response([{"a": 2}], headers=headers)

    source.respond = respond
    memory, now = Memory(), time.time()
    async with client_of(ABOUT, memory, now=lambda: now) as client:
        assert await ask(client) == [{"a": 2}]
        client.now = lambda: now + 7 * 86_400
        before = counted("not_modified")
        assert await ask(client) == [{"a": 2}]
        assert await ask(client) == [{"a": 2}]
    assert len(source.asked) == 2
    assert counted("not_modified") == before + 1


async def test_three_failures_in_a_row_give_the_source_a_rest(source: StandIn) -> None:
    source.always = BROKEN
    async with client_of(ABOUT, patience=Patience(tries=1)) as client:
        for n in range(5):
            with pytest.raises(SourceUnavailable):
                await ask(client, q=str(n))
    assert len(source.asked) == 3


async def test_a_used_up_quota_is_no_failure_of_the_source(source: StandIn) -> None:
    async def used_up() -> bool:
        return False

    async with client_of(ABOUT, take=used_up) as client:
        for _ in range(4):
            with pytest.raises(QuotaUsed):
                await ask(client)
        client.take = lambda: _yes()
        assert await ask(client)


async def _yes() -> bool:
    return True


async def test_an_answer_without_end_is_cut_off(
    source: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.pipelines.enrichment.signals.client.LARGEST", 1000)
    source.always = Fault(200, b"[" + b" " * 5000 + b"]")
    async with client_of(ABOUT) as client:
        with pytest.raises(SourceUnavailable, match="sent more than"):
            await ask(client)
