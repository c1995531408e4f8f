"""A batch of prospects and the outside sources: each asked by itself, none holds up another.

steps -> here -> signals, store. What a source answered is merged in a transaction of its own as
soon as it is through; what failed is not, so the signals it told before stay as they are.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from services.common import metrics
from services.common.errors import SourceRejected, SourceUnavailable
from services.common.jobs import JobContext, publish
from services.common.kafka.topics import SIGNALS_CHANGED
from services.pipelines.changes import messages
from services.pipelines.enrichment import store
from services.pipelines.enrichment.signals import Outside, Signal
from services.pipelines.enrichment.signals.client import Client, QuotaUsed
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.gate import RedisAway

log = logging.getLogger(__name__)
Result = Literal["answered", "failed", "skipped"]
RESULTS: tuple[Result, ...] = ("answered", "failed", "skipped")
REDIS_WAIT_S = 30.0


@dataclass(slots=True)
class Tally:
    """What became of the questions to one source; `reason` is the first of what went wrong."""

    results: Counter[Result] = field(default_factory=Counter)
    signals: int = 0
    reason: str | None = None
    changed: set[UUID] = field(default_factory=set)
    wait_s: float | None = None

    def note(self, result: Result, reason: str | None = None) -> None:
        """One prospect more."""
        self.results[result] += 1
        if reason and (self.reason is None or result == "failed"):
            self.reason = reason

    def told(self) -> dict[str, Any]:
        """As the job's result has it: failed where a question failed and none was answered."""
        result = next((each for each in RESULTS if self.results[each]), "skipped")
        counts: dict[str, Any] = {each: self.results[each] for each in RESULTS}
        reason = {"reason": self.reason} if self.reason else {}
        return {"result": result, **counts, "signals": self.signals, **reason}

    def line(self) -> str:
        """For the job's log."""
        counts = ", ".join(f"{count} {each}" for each, count in self.results.items())
        reason = f" ({self.reason})" if self.reason else ""
        return f"{counts or 'nothing asked'}, {self.signals} signals{reason}"


@dataclass(frozen=True, slots=True)
class Told:
    """What all sources told of a batch; `wait_s`: not all could be asked, come back after that."""

    sources: dict[str, dict[str, Any]]
    changed: set[UUID] = field(default_factory=set)
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Outsiders:
    """The outside sources that are asked, each with its client, and why the others are not."""

    sources: Sequence[Outside] = ()
    clients: Mapping[str, Client] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    source_s: float = 600.0
    stale_after: timedelta = timedelta(days=7)
    clock: Callable[[], float] = time.monotonic

    async def ask(self, ctx: JobContext, ids: Sequence[UUID], *, stale_only: bool) -> Told:
        """Ask every source about `ids`; with `stale_only` what it did not answer for a while."""
        left_out = {name: _skipped(why, len(ids)) for name, why in self.skipped.items()}
        if not self.sources or not ids:
            return Told(left_out)
        firms = await store.firms(ctx.db, ids, self.stale_after if stale_only else None)
        merging = asyncio.Lock()  # one connection a job, however many sources are through
        work = [_Batch(self, ctx, source, firms, merging).run() for source in self.sources]
        tallies = dict(zip(self.names, await _together(work), strict=True))
        waits = [tally.wait_s for tally in tallies.values() if tally.wait_s is not None]
        return Told(
            sources={name: tally.told() for name, tally in tallies.items()} | left_out,
            changed=set().union(*(tally.changed for tally in tallies.values())),
            wait_s=max(waits, default=None),
        )

    @property
    def names(self) -> list[str]:
        """Those that are asked."""
        return [source.about.name for source in self.sources]


@dataclass(slots=True)
class _Batch:
    """One source and the firms of one job."""

    outsiders: Outsiders
    ctx: JobContext
    source: Outside
    firms: Iterable[store.Due]
    merging: asyncio.Lock
    tally: Tally = field(default_factory=Tally)
    answers: dict[UUID, list[Signal]] = field(default_factory=dict)
    passed: list[UUID] = field(default_factory=list)
    tried: list[UUID] = field(default_factory=list)

    async def run(self) -> Tally:
        """Ask about every firm, merge what was answered, note how it went."""
        name, db = self.source.about.name, self.ctx.db
        due = [each.firm for each in self.firms if name not in each.fresh]
        if not due:
            self.tally.reason = "it was asked about all of them lately"
            return self.tally
        await store.source_started(db, name)
        await self._ask_about(due)
        await self._merge()
        for result, count in self.tally.results.items():
            metrics.source_answers_total.labels(name, result).inc(count)
        failed = self.tally.reason if self.tally.results["failed"] else None
        await store.source_ended(db, name, bool(self.tally.results["answered"]), failed)
        if self.tried:
            await self.ctx.log(f"{name}: {self.tally.line()}", "warning" if failed else "info")
        return self.tally

    async def _ask_about(self, firms: Sequence[Firm]) -> None:
        until = self.outsiders.clock() + self.outsiders.source_s
        stop: tuple[Result, str] | None = None
        for firm in firms:
            if self.ctx.stopping.is_set():
                self.tally.wait_s = 0.0
                return
            if stop is None and self.outsiders.clock() > until:
                stop = "failed", f"it took longer than {self.outsiders.source_s:g} s"
            if stop is None:
                try:
                    await self._ask(firm)
                except QuotaUsed as exc:
                    stop = "skipped", exc.detail
                except RedisAway:
                    self.tally.wait_s = REDIS_WAIT_S
                    return
            if stop is not None:
                self.tally.note(*stop)

    async def _ask(self, firm: Firm) -> None:
        """One question; raises QuotaUsed and RedisAway."""
        if why := self.source.passes(firm):
            self.passed.append(firm.prospect_id)
            self.tally.note("skipped", why)
            return
        self.tried.append(firm.prospect_id)
        name = self.source.about.name
        try:
            signals = await self.source.ask(self.outsiders.clients[name], firm)
        except (SourceUnavailable, SourceRejected) as exc:
            self.tally.note("failed", exc.detail)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
            # a defect of ours, met by an answer nobody thought of: one prospect, one source
            log.exception("cannot read what %s told of %s", name, firm.prospect_id)
            self.tally.note("failed", f"its answer cannot be read ({type(exc).__name__})")
        else:
            self.answers[firm.prospect_id] = signals
            self.tally.note("answered")

    async def _merge(self) -> None:
        name = self.source.about.name
        async with self.merging, self.ctx.db.transaction() as tx:
            held = set(await store.lock(tx, [*self.answers, *self.passed, *self.tried]))
            mine = sorted(held & self.answers.keys())
            signals = [signal for each in mine for signal in _distinct(self.answers[each])]
            changed, written = await store.merge(tx, name, mine, signals)
            await store.mark_checked(tx, name, sorted(held), held - _failed(self))
            await store.mark_changed(tx, changed)
            await publish(tx, SIGNALS_CHANGED, messages(changed))
            await self.ctx.fence(tx)
        for kind, count in written.items():
            metrics.signals_total.labels(kind).inc(count)
        self.tally.changed, self.tally.signals = changed, len(signals)


def _failed(batch: _Batch) -> set[UUID]:
    return set(batch.tried) - batch.answers.keys()


def _distinct(signals: Iterable[Signal]) -> list[Signal]:
    """The surest of each key, the last of equals: a source may tell one thing twice."""
    found: dict[str, Signal] = {}
    for signal in signals:
        known = found.get(signal.source_key)
        if known is None or signal.confidence >= known.confidence:
            found[signal.source_key] = signal
    return list(found.values())


def _skipped(why: str, prospects: int) -> dict[str, Any]:
    tally = Tally(Counter({"skipped": prospects}), reason=why)
    return tally.told()


async def _together(work: Sequence[Coroutine[Any, Any, Tally]]) -> list[Tally]:
    """Side by side; where the job itself cannot go on, the others are stopped."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
