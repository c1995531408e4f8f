"""The recorder: writes down many successes in one transaction, and wakes their parents.

While one batch is on its way to the database the next gathers, so that a lone job waits for
nothing and a thousand small ones share their commits. A batch that the database refuses (a
result it cannot keep) is written job by job: only the culprit fails.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.common.errors import Unavailable
from services.common.jobs import Job
from services.common.kafka.ledger import Ledger

log = logging.getLogger(__name__)
BATCH = 500


@dataclass(slots=True)
class _Entry:
    job: Job
    result: dict[str, Any]
    written: asyncio.Future[bool]


@dataclass(slots=True)
class Recorder:
    """Gathers successes of one pool; `succeed` returns when its job's is committed."""

    ledger: Ledger
    _waiting: list[_Entry] = field(default_factory=list)
    _parents: set[int] = field(default_factory=set)
    _writer: asyncio.Task[None] | None = None

    async def succeed(self, job: Job, result: dict[str, Any]) -> bool:
        """Whether the job was still held. Raises Unavailable: perhaps not written, ask again."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Entry(job, result, written))
        self._start()
        return await written

    def settle(self, parent_id: int) -> None:
        """Wake a parent, soon, if its children have ended; what fails the sweeper does."""
        self._parents.add(parent_id)
        self._start()

    async def flush(self) -> None:
        """Return when nothing is left to write."""
        while self._writer and not self._writer.done():
            await asyncio.wait([self._writer])

    def _start(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="recorder")

    async def _write(self) -> None:
        await asyncio.sleep(0)  # what ends in this turn of the loop goes along
        while self._waiting or self._parents:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            if batch:
                await self._commit(batch)
                continue
            parents, self._parents = self._parents, set()
            try:
                await self.ledger.settle(sorted(parents))
            except Exception as exc:
                log.warning("parents are left to the sweeper: %s", exc)

    async def _commit(self, batch: Sequence[_Entry]) -> None:
        try:
            held = await self.ledger.succeed([(each.job, each.result) for each in batch])
        except Exception as exc:
            if len(batch) > 1 and not isinstance(exc, Unavailable):
                for each in batch:
                    await self._commit([each])
                return
            for each in batch:
                if not each.written.done():
                    each.written.set_exception(exc)
            return
        for each in batch:
            if not each.written.done():  # done: the job was cancelled meanwhile
                each.written.set_result((each.job.id, each.job.fence) in held)
