"""Change messages on their way to a step: decoded, in batches, and never able to stop a worker.

What a step cannot take is counted, logged and skipped: a change message is only a hint, the
owner of the step finds work that was missed by a sweep over its own table.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common import metrics
from services.common.db import Database
from services.common.errors import AppError
from services.common.kafka.messages import PoisonMessage, decode

log = logging.getLogger(__name__)
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """What a change step may use: the database and whatever the worker's startup made."""

    db: Database
    state: Any
    stopping: asyncio.Event


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """`step` gets at most `batch` messages that came `within` seconds; it must be idempotent."""

    step: Callable[[ChangeContext, list[Message]], Awaitable[None]]
    batch: int = 200
    within: float = 0.5


@dataclass(slots=True)
class Changes:
    """Feeds one topic's batches to its step; `idle` is set while no batch is in hand."""

    topic: str
    change: ChangeStep
    context: ChangeContext
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    async def take(self, values: Sequence[bytes | None]) -> None:
        """Give a batch to the step; where it fails, each message alone. Never raises."""
        self.idle.clear()
        try:
            messages = self._decoded(values)
            if not messages or await self._step(messages):
                return
            for message in messages:
                if len(messages) == 1 or not await self._step([message]):
                    self._skip("the step failed", message)
        finally:
            self.idle.set()

    def _decoded(self, values: Sequence[bytes | None]) -> list[Message]:
        messages = []
        for value in values:
            try:
                messages.append(decode(value))
            except PoisonMessage as exc:
                self._skip(exc.detail, value)
        return messages

    async def _step(self, messages: list[Message]) -> bool:
        """Whether the step took `messages`; failures that pass with time are waited out."""
        pause = _PAUSE_S
        while True:
            try:
                await self.change.step(self.context, messages)
            except Exception as exc:
                if not (isinstance(exc, AppError) and exc.retryable):
                    log.exception("a step failed on %d messages of %s", len(messages), self.topic)
                    return False
                log.warning("a step of %s waits: %s", self.topic, exc)
                await asyncio.sleep(exc.retry_after or pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                metrics.messages_total.labels(self.topic, "done").inc(len(messages))
                return True

    def _skip(self, why: str, message: object) -> None:
        metrics.messages_total.labels(self.topic, "skipped").inc()
        log.error("skipped a message of %s: %s: %.500r", self.topic, why, message)
