"""One look at a time for each resource, a few resources at once, and errors that stay inside."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from operators.migrator.kube import Changed
from operators.migrator.queue import Key, Queue
from operators.migrator.rhythm import Rhythm
from operators.migrator.slots import Slots

KEY, OTHER = ("team", "orders"), ("team", "stock")


@asynccontextmanager
async def queue(
    look: Callable[[Key], Awaitable[float | None]], width: int = 9
) -> AsyncIterator[Queue]:
    made = Queue(look, width)
    try:
        yield made
    finally:
        await made.close()


async def test_wakes_during_a_look_make_one_more() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    looks: list[Key] = []

    async def look(key: Key) -> float:
        looks.append(key)
        began.set()
        await go_on.wait()
        return 3600

    async with queue(look) as made:
        made.wake(KEY)
        await began.wait()
        for _ in range(5):
            made.wake(KEY)
        go_on.set()
        await asyncio.sleep(0.01)
        assert looks == [KEY, KEY]


async def test_a_look_says_when_the_next_one_is() -> None:
    looks = 0
    enough = asyncio.Event()

    async def look(_: Key) -> float:
        nonlocal looks
        looks += 1
        if looks == 3:
            enough.set()
        return 0

    async with queue(look) as made:
        made.wake(KEY)
        async with asyncio.timeout(5):
            await enough.wait()


async def test_what_is_gone_is_forgotten_and_may_come_again() -> None:
    looks: list[Key] = []

    async def look(key: Key) -> None:
        looks.append(key)

    async with queue(look) as made:
        made.wake(KEY)
        await asyncio.sleep(0.01)
        made.wake(KEY)
        await asyncio.sleep(0.01)
        assert looks == [KEY, KEY]


@pytest.mark.parametrize("error", [ValueError("ours"), Changed("look again")])
async def test_an_error_is_looked_at_again_and_disturbs_nobody(error: Exception) -> None:
    looks: dict[Key, int] = {}
    enough = asyncio.Event()

    async def look(key: Key) -> float:
        looks[key] = looks.get(key, 0) + 1
        if key == KEY and looks[key] == 1:
            raise error
        if key == KEY:
            enough.set()
        return 3600

    async with queue(look) as made:
        made.wake(KEY)
        made.wake(OTHER)
        async with asyncio.timeout(5):
            await enough.wait()
        assert looks[OTHER] == 1


async def test_no_more_looks_at_once_than_its_width() -> None:
    now, most = 0, 0

    async def look(_: Key) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    async with queue(look, width=2) as made:
        for n in range(10):
            made.wake(("team", f"r{n}"))
        await asyncio.sleep(0.05)
    assert most == 2


def test_slots_are_given_in_the_order_of_asking() -> None:
    woken: list[Key] = []
    slots = Slots(1, woken.append)
    slots.take(("team", "a"))
    for name in ("b", "c"):
        assert not slots.room(("team", name))
        slots.wait(("team", name))
    slots.free(("team", "a"))
    assert woken == [("team", "b")]
    assert slots.room(("team", "b")) and not slots.room(("team", "c"))
    slots.take(("team", "b"))
    assert not slots.room(("team", "c"))


def test_a_resource_that_goes_frees_its_slot_and_its_place() -> None:
    slots = Slots(1, lambda key: None)
    slots.take(("team", "a"))
    slots.wait(("team", "b"))
    slots.free(("team", "b"))
    slots.free(("team", "a"))
    assert slots.room(("team", "c"))


def test_whoever_holds_a_slot_keeps_it() -> None:
    slots = Slots(1, lambda key: None)
    slots.take(("team", "a"))
    slots.take(("team", "b"))
    assert slots.room(("team", "a")) and slots.room(("team", "b"))
    assert not slots.room(("team", "c"))


def test_what_is_done_now_and_then_is_due_at_first_and_after_its_time() -> None:
    now = 100.0
    rhythm = Rhythm(lambda: now)
    assert rhythm.left_s(KEY, 60) == 0
    rhythm.done(KEY)
    now = 130.0
    assert (rhythm.left_s(KEY, 60), rhythm.left_s(KEY, 30), rhythm.left_s(OTHER, 60)) == (30, 0, 0)
    rhythm.forget(KEY)
    assert rhythm.left_s(KEY, 60) == 0
