"""Waiting in tests: for what is to happen, with a deadline that only a defect reaches."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE_S = 60.0
"""Much longer than anything takes on a busy machine: what is bounded is asserted by itself."""


async def until(met: Callable[[], Awaitable[object]], seconds: float = PATIENCE_S) -> None:
    """Return when `met`; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            if await met():
                return
            await asyncio.sleep(0.02)
