"""Loops of the relay and the scheduler: they outlive every outage and tell how they fare."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from services.common import pauses
from services.common.config import Settings
from services.common.db import Database
from services.common.errors import AppError, Unavailable
from services.common.http.app import build_app, serving
from services.common.http.state import HEALTH
from services.common.kafka.process import turning

log = logging.getLogger(__name__)
_LONGEST_PAUSE_S = 5.0


@dataclass(slots=True)
class Loop:
    """Repeats `turn` each `pause_s` seconds or when woken; after a failure with back-off."""

    name: str
    turn: Callable[[], Awaitable[object]]
    pause_s: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ticked: float = field(default_factory=monotonic)
    failing: str | None = None

    async def run(self) -> None:
        """Go on until cancelled."""
        pause = self.pause_s
        while True:
            self.tick()
            try:
                await self.turn()
                self.failing, pause = None, self.pause_s
            except AppError as exc:
                self.failing, pause = exc.detail, min(pause * 2, _LONGEST_PAUSE_S)
                log.warning("%s waits: %s", self.name, exc)
            except Exception as exc:
                self.failing, pause = type(exc).__name__, min(pause * 2, _LONGEST_PAUSE_S)
                log.exception("%s failed and is tried again", self.name)
            if self.failing:
                await asyncio.sleep(pause)
            else:
                await pauses.until(self.wake, pause)
            self.wake.clear()

    def tick(self) -> None:
        """The loop is alive; a long turn says so in between."""
        self.ticked = monotonic()

    async def check(self) -> None:
        """The ready check: raises Unavailable while the last turn failed."""
        if self.failing:
            raise Unavailable(self.failing)


async def serve(
    settings: Settings,
    service: str,
    db: Database,
    loops: Sequence[Loop],
    stopping: asyncio.Event,
) -> None:
    """Run `loops` with health and metrics on the settings' port, until `stopping`."""
    app = build_app(settings, service=service, db=db)
    for loop in loops:
        app[HEALTH].live[loop.name] = turning(loop)
        app[HEALTH].ready[loop.name] = loop.check
    async with serving(app), asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop.run(), name=loop.name) for loop in loops]
        await stopping.wait()
        app[HEALTH].draining = True
        for task in tasks:
            task.cancel()
