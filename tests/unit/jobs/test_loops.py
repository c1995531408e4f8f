"""Loops of relay and scheduler: woken, failing, recovering, never ending."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from services.common.errors import Unavailable
from services.jobs.loops import Loop
from tests.support.waiting import PATIENCE_S


@asynccontextmanager
async def running(turn: Callable[[], Awaitable[object]], pause_s: float) -> AsyncIterator[Loop]:
    loop = Loop("test", turn, pause_s)
    task = asyncio.create_task(loop.run())
    yield loop
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_loop_repeats_its_turn() -> None:
    turns = asyncio.Queue[int]()
    async with asyncio.timeout(PATIENCE_S), running(lambda: turns.put(1), 0.001):
        for _ in range(5):
            await turns.get()


async def test_a_wake_up_ends_the_pause() -> None:
    turns = asyncio.Queue[int]()
    async with asyncio.timeout(PATIENCE_S), running(lambda: turns.put(1), 3600) as loop:
        await turns.get()
        loop.wake.set()
        await turns.get()


@pytest.mark.parametrize("error", [Unavailable("no broker"), ValueError("a defect")])
async def test_a_failure_is_told_and_tried_again(error: Exception) -> None:
    failed, told, recovered = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def turn() -> None:
        if not failed.is_set():
            failed.set()
            raise error
        await told.wait()
        recovered.set()

    async with asyncio.timeout(PATIENCE_S), running(turn, 0.05) as loop:
        await failed.wait()
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await loop.check()
        told.set()
        await recovered.wait()
        await asyncio.sleep(0)
        await loop.check()


@pytest.mark.parametrize("steps", range(6))
async def test_a_loop_that_is_woken_as_it_is_cancelled_ends(steps: int) -> None:
    turns = asyncio.Queue[int]()
    loop = Loop("test", lambda: turns.put(1), 60)
    task = asyncio.create_task(loop.run())
    await turns.get()
    await asyncio.sleep(0.01)
    loop.wake.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=2)
    task.cancel()
    assert done == {task}
