"""Whether this process is well: the checks behind /health, pure of HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Literal

from pydantic import BaseModel, Field

from services import __version__
from services.common.errors import AppError

Check = Callable[[], Awaitable[object]]
CHECK_S = 1.0


class CheckReport(BaseModel):
    """Outcome of one check."""

    status: Literal["ok", "unavailable"]
    ms: float = Field(description="Duration in milliseconds")
    error: str | None = None


class HealthReport(BaseModel):
    """State of a process; `checks` only where they were run."""

    status: Literal["ok", "draining", "unavailable"]
    service: str
    version: str = __version__
    uptime_s: float
    checks: dict[str, CheckReport] | None = None


class Health:
    """Checks by name; each must return within a second and raise where something is wrong.

    `ready` checks tell whether work should be sent here, `live` checks whether the process
    should be started again: never put a database among the latter.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.draining = False
        self.ready: dict[str, Check] = {}
        self.live: dict[str, Check] = {}
        self._since = monotonic()

    async def report(self, checks: dict[str, Check] | None = None) -> HealthReport:
        """Run `checks`, together, and sum up; draining counts where checks are asked for."""
        done: dict[str, CheckReport] | None = None
        if checks is not None:
            reports = await asyncio.gather(*map(_run, checks.values()))
            done = dict(zip(checks, reports, strict=True))
        bad = any(check.status != "ok" for check in (done or {}).values())
        return HealthReport(
            status="unavailable" if bad else "draining" if self.draining else "ok",
            service=self.service,
            uptime_s=round(monotonic() - self._since, 3),
            checks=done,
        )


async def _run(check: Check) -> CheckReport:
    started, error = perf_counter(), None
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except AppError as exc:
        error = exc.detail
    except Exception as exc:  # a check may fail in any way; that is what it reports
        error = type(exc).__name__
    ms = round((perf_counter() - started) * 1000, 3)
    return CheckReport(status="unavailable" if error else "ok", ms=ms, error=error)
