"""Change messages on their way to a step: decoded, in batches, and never able to stop a worker.

What a step cannot take is counted, logged and kept as a dead job `message.<topic>` that a person
can read, correct and replay. A change message is only a hint, the owner of the step finds work
that was missed by a sweep over its own table.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common import metrics
from services.common.db import Database
from services.common.errors import AppError, BadRequest
from services.common.jobs import bury
from services.common.kafka.failure import describe
from services.common.kafka.messages import PoisonMessage, decode

log = logging.getLogger(__name__)
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 15.0
_KEPT = 20_000
Message = dict[str, Any]


def kind_of(topic: str) -> str:
    """Kind of the dead jobs that messages of `topic` become."""
    return f"message.{topic}"


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
    """Feeds one topic's batches to its step; `idle` is set while no batch is in hand.

    What is skipped becomes a dead job of `queue`, if there is one.
    """

    topic: str
    change: ChangeStep
    context: ChangeContext
    queue: str = ""
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    async def take(self, values: Sequence[bytes | None]) -> None:
        """Give a batch to the step; where it fails, each message alone. Never raises."""
        self.idle.clear()
        try:
            messages = await self._decoded(values)
            failure = await self._step(messages) if messages else None
            if failure is None:
                return
            for message in messages:
                failed = failure if len(messages) == 1 else await self._step([message])
                if failed is not None:
                    await self._skip(failed, {"message": message})
        finally:
            self.idle.set()

    async def replay(self, args: dict[str, Any]) -> None:
        """The step on the message of a dead job. Raises what the step does, BadRequest."""
        message = args.get("message")
        if not isinstance(message, dict):
            raise BadRequest('args must be {"message": {...}}, the message as it should be')
        await self.change.step(self.context, [message])

    async def _decoded(self, values: Sequence[bytes | None]) -> list[Message]:
        messages = []
        for value in values:
            try:
                messages.append(decode(value))
            except PoisonMessage as exc:
                await self._skip(exc, {"value": repr(value)[:_KEPT]})
        return messages

    async def _step(self, messages: list[Message]) -> Exception | None:
        """Why the step did not take `messages`; failures that pass with time are waited out."""
        pause = _PAUSE_S
        while True:
            try:
                await self.change.step(self.context, messages)
            except Exception as exc:
                if not (isinstance(exc, AppError) and exc.retryable):
                    log.exception("a step failed on %d messages of %s", len(messages), self.topic)
                    return exc
                log.warning("a step of %s waits: %s", self.topic, exc)
                await asyncio.sleep(exc.retry_after or pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
            else:
                metrics.messages_total.labels(self.topic, "done").inc(len(messages))
                return None

    async def _skip(self, exc: Exception, args: dict[str, Any]) -> None:
        metrics.messages_total.labels(self.topic, "skipped").inc()
        log.error("skipped a message of %s: %s: %.500r", self.topic, exc, args)
        if not self.queue:
            return
        try:
            await bury(self.context.db, kind_of(self.topic), self.queue, args, describe(exc))
        except Exception as failed:  # it is in the log, and only a hint
            log.warning("a skipped message could not be kept: %s", failed)
