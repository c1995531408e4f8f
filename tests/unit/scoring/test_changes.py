"""Ids in change messages, batches, and a sweep that outlives failures."""

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from services.common.errors import BadRequest, Unavailable
from services.pipelines.changes import (
    MESSAGE_SIZE,
    in_batches,
    keep_sweeping,
    messages,
    prospect_ids,
)


def ids(count: int) -> list[UUID]:
    return [UUID(int=n) for n in range(count)]


def test_messages_name_every_prospect_once_in_order() -> None:
    made = messages(reversed(ids(MESSAGE_SIZE + 1)))

    assert [len(each["prospect_ids"]) for each in made] == [MESSAGE_SIZE, 1]
    assert prospect_ids([*made, *made]) == ids(MESSAGE_SIZE + 1)


@pytest.mark.parametrize("bad", [{}, {"prospect_ids": None}, {"prospect_ids": ["x"]}])
def test_anything_else_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        prospect_ids([bad])


def test_batches_hold_at_most_their_size() -> None:
    assert [len(part) for part in in_batches(ids(5), 2)] == [2, 2, 1]


async def test_a_sweep_goes_on_after_failures_and_ends_with_its_stack() -> None:
    calls: list[int] = []
    enough = asyncio.Event()

    async def sweep() -> bool:
        calls.append(len(calls))
        if len(calls) == 1:
            raise Unavailable
        if len(calls) == 2:
            raise ZeroDivisionError
        if len(calls) >= 5:
            enough.set()
        return True

    async with AsyncExitStack() as stack:
        keep_sweeping(stack, 0.001, sweep)
        async with asyncio.timeout(60):
            await enough.wait()
    swept = len(calls)
    await asyncio.sleep(0.01)

    assert len(calls) == swept
