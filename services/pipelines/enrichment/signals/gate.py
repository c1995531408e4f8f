"""The rate of a source, kept in Redis for all workers together.

Each request takes the next free moment of its source; what a Retry-After asks for moves that
moment on for everybody. Without Redis nobody knows who else asks, so nothing goes out: the
caller waits, and after a while its job steps back (RedisAway), it is never let through.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.common.errors import SourceUnavailable, Unavailable
from services.common.redis import FAILURES, Client

# KEYS[1]: the next free moment of a source in microseconds. Redis' own clock is the one clock.
# ARGV: microseconds between two requests, the most to wait. Answers microseconds to wait.
_TURN = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local wait, step = at - now, tonumber(ARGV[1])
if wait <= tonumber(ARGV[2]) and step > 0 then
  local kept_ms = math.ceil((wait + step) / 1000) + 1000
  redis.call('SET', KEYS[1], string.format('%.0f', at + step), 'PX', kept_ms)
end
return wait
"""
# ARGV: microseconds in which nobody may ask.
_HUSH = """
local t = redis.call('TIME')
local free = t[1] * 1000000 + t[2] + tonumber(ARGV[1])
if free > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', math.ceil(ARGV[1] / 1000) + 1000)
end
"""
PREFIX = "ucc:source:"
LONGEST_HUSH_S = 3600.0


class RedisAway(Unavailable, retryable=True, status=503):
    """Redis does not answer, so the rate of an outside source cannot be kept."""


@dataclass(slots=True)
class Gate:
    """The way out to one source: `rate` requests a second of all workers, None for no limit."""

    redis: Client
    source: str
    rate: float | None
    longest_s: float = 60.0
    redis_s: float = 60.0
    pause_s: float = 0.5
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def turn(self) -> None:
        """Return when the next request may go out.

        Raises SourceUnavailable where that is too long to wait, RedisAway.
        """
        step = 1e6 / self.rate if self.rate else 0
        wait = int(await self._call(_TURN, f"{step:.0f}", f"{self.longest_s * 1e6:.0f}")) / 1e6
        if wait > self.longest_s:
            raise SourceUnavailable(
                f"{self.source} asked for quiet, for another {wait:.0f} s", retry_after=wait
            )
        if wait > 0:
            await self.sleep(wait)

    async def hush(self, seconds: float) -> None:
        """Let no worker ask for so long, an hour at most. Raises RedisAway."""
        await self._call(_HUSH, f"{min(seconds, LONGEST_HUSH_S) * 1e6:.0f}")

    async def _call(self, script: str, *arguments: str) -> Any:
        until = self.clock() + self.redis_s
        while True:
            try:
                # EVAL, not EVALSHA: a node that is new to the cluster knows no script
                return await self.redis.eval(script, 1, PREFIX + self.source, *arguments)
            except FAILURES as exc:
                if self.clock() >= until:
                    raise RedisAway from exc
                await self.sleep(self.pause_s)
