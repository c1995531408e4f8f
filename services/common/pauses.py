"""How long to wait before what failed or was done is tried again; jitter is the caller's."""

import asyncio
from contextlib import suppress

_MOST_DOUBLED = 60  # a float has room for it


def longest(tried: int, first_s: float, most_s: float = float("inf")) -> float:
    """Seconds after try number `tried` (1, 2, ...): doubled by each, at most `most_s`."""
    return min(most_s, first_s * 2.0 ** min(tried - 1, _MOST_DOUBLED))


async def until(event: asyncio.Event, most_s: float) -> bool:
    """Wait for `event`, at most `most_s` seconds; whether it is set. Heeds every cancellation."""
    with suppress(TimeoutError):
        async with asyncio.timeout(most_s):
            await event.wait()
    return event.is_set()
