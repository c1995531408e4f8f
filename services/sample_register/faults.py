"""Faults on demand: how a test or a benchmark makes the register misbehave, and counts its calls.

`POST /_control` sets the switches, `SAMPLE_THROTTLE` limits the rate for good. Only data sets
misbehave; health, metrics and the switches themselves always answer.
"""

import asyncio
import time
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """What the next requests meet; a field left out of a POST keeps its value."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    fail_next: int = Field(
        default=0, ge=0, description="So many requests are answered with `status`"
    )
    status: Literal[403, 429, 500, 502, 503, 504] = 429
    retry_after: float | None = Field(
        default=None, ge=0, description="Seconds, sent with such an answer"
    )
    truncate_next: int = Field(
        default=0, ge=0, description="So many answers end in the middle of a body"
    )
    slow_ms: int = Field(default=0, ge=0, description="Every answer waits so long")


class Faults:
    """The switches, the rate limit and what has been counted."""

    def __init__(self, rate: float | None = None) -> None:
        self.switches = Switches()
        self.requests = self.failed = self.truncated = 0
        self._rate = rate
        self._tokens, self._filled = max(1.0, rate or 0), time.monotonic()

    def set(self, given: Switches) -> None:
        """Take over the fields that were given."""
        self.switches = self.switches.model_copy(update=given.model_dump(exclude_unset=True))

    def state(self) -> dict[str, object]:
        """The switches as they are and the counts so far."""
        counts = {"requests": self.requests, "failed": self.failed, "truncated": self.truncated}
        return self.switches.model_dump() | counts

    async def before(self) -> web.Response | None:
        """Called once for a request for rows: the refusal to send instead, if any."""
        self.requests += 1
        if self.switches.slow_ms:
            await asyncio.sleep(self.switches.slow_ms / 1000)
        if self.switches.fail_next:
            self.switches.fail_next -= 1
            return self._refusal(self.switches.status, self.switches.retry_after)
        wait = self._wait()
        return self._refusal(429, wait) if wait else None

    def cut(self) -> bool:
        """Whether this answer is to end in the middle."""
        if not self.switches.truncate_next:
            return False
        self.switches.truncate_next -= 1
        self.truncated += 1
        return True

    def _wait(self) -> float:
        """Seconds until the rate allows this request; takes a token where it is allowed now."""
        if self._rate is None:
            return 0
        now = time.monotonic()
        self._tokens = min(max(1.0, self._rate), self._tokens + (now - self._filled) * self._rate)
        self._filled = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0

    def _refusal(self, status: int, retry_after: float | None) -> web.Response:
        self.failed += 1
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}
        body = {"error": True, "code": f"{status}", "message": _MESSAGES.get(status, "Try again")}
        return web.json_response(body, status=status, headers=headers)


_MESSAGES = {
    403: "Forbidden",
    429: "Throttled: too many requests; use an app token or wait as Retry-After says",
    500: "Internal error",
    503: "Service unavailable",
}
