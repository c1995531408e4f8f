"""Change batches on their way to a step: nothing in them may stop the agent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from services.common import metrics
from services.common.db import Database
from services.common.errors import Unavailable
from services.common.kafka import changes
from services.common.kafka.changes import ChangeContext, Changes, ChangeStep

TOPIC = "prospects.changed"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_PAUSE_S", 0.001)


def to(step: Callable[[list[dict[str, Any]]], Awaitable[None]]) -> Changes:
    """The batches of TOPIC on their way to `step`."""

    async def with_context(_ctx: ChangeContext, messages: list[dict[str, Any]]) -> None:
        await step(messages)

    context = ChangeContext(cast(Database, None), None, asyncio.Event())
    return Changes(TOPIC, ChangeStep(with_context), context)


def skipped() -> float:
    return float(metrics.messages_total.labels(TOPIC, "skipped")._value.get())


async def test_a_batch_reaches_the_step_whole() -> None:
    got: list[list[dict[str, Any]]] = []

    async def step(messages: list[dict[str, Any]]) -> None:
        got.append(messages)

    await to(step).take([b'{"n": 1}', b'{"n": 2}'])
    assert got == [[{"n": 1}, {"n": 2}]]


async def test_messages_that_are_no_objects_are_skipped() -> None:
    got: list[dict[str, Any]] = []
    before = skipped()

    async def step(messages: list[dict[str, Any]]) -> None:
        got.extend(messages)

    await to(step).take([b"{", None, b'{"n": 1}', b"[]"])
    assert got == [{"n": 1}]
    assert skipped() - before == 3


async def test_a_batch_of_nothing_readable_does_not_reach_the_step() -> None:
    async def step(_messages: list[dict[str, Any]]) -> None:
        raise AssertionError

    await to(step).take([b"{"])


async def test_only_the_message_that_fails_is_skipped() -> None:
    got: list[int] = []
    before = skipped()

    async def step(messages: list[dict[str, Any]]) -> None:
        if any(message["n"] == 2 for message in messages):
            raise ValueError
        got.extend(message["n"] for message in messages)

    await to(step).take([b'{"n": 1}', b'{"n": 2}', b'{"n": 3}'])
    assert got == [1, 3]
    assert skipped() - before == 1


async def test_a_failure_that_passes_is_waited_out() -> None:
    calls = 0
    before = skipped()

    async def step(_messages: list[dict[str, Any]]) -> None:
        nonlocal calls
        calls += 1
        if calls < 4:
            raise Unavailable

    await to(step).take([b'{"n": 1}'])
    assert calls == 4
    assert skipped() == before


async def test_idle_tells_whether_a_batch_is_in_hand() -> None:
    seen: list[bool] = []

    async def step(_messages: list[dict[str, Any]]) -> None:
        seen.append(batches.idle.is_set())

    batches = to(step)
    assert batches.idle.is_set()
    await batches.take([b"{}"])
    assert seen == [False]
    assert batches.idle.is_set()
