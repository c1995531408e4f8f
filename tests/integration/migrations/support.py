"""Waiting for what a runner does meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(probe: Callable[[], Awaitable[object]], wanted: object = True) -> None:
    """Ask until the answer is `wanted`, 10 s at most."""
    for _ in range(500):
        if await probe() == wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not {wanted!r} after 10 s")
