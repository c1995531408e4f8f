"""Totals of the list without counting rows: counted cells, read at most once a second.

PostgreSQL keeps a count for each state, industry, status and score, and the changes since as
deltas (migration 0006). A process holds all of them, at most MOST_S old: a total is then a sum of
differences, remembered until the next reading. Who reads folds the deltas where they are many.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from contextvars import Context
from itertools import accumulate
from operator import add
from time import monotonic

from asyncpg import Record

from services.common.db import Executor
from services.common.errors import AppError
from services.prospects import store
from services.prospects.filters import COUNTED, ProspectFilters

log = logging.getLogger(__name__)
MOST_S = 1.9
"""Age at which counts are not used any more."""
SOON_S = 1.5
"""Age at which they are read again while they are still used."""
FOLD_AT = 500
_SCORES = 101
Filter = tuple[str | None, str | None, str, int, int]


class Cells:
    """The counts as of one moment."""

    def __init__(self, rows: Iterable[Record], taken: float) -> None:
        self.taken = taken
        self.deltas = 0
        # by state; None: all states together, so that no sum walks through more than one of these
        self._below: dict[str | None, dict[tuple[str, str], list[int]]] = {None: {}}
        self._known: dict[Filter, int] = {}
        everywhere = self._below[None]
        for row in rows:
            self.deltas += row["deltas"]
            by_score = [0] * _SCORES
            for score, prospects in zip(row["scores"], row["prospects"], strict=True):
                by_score[score] = prospects
            kind = row["industry"], row["status"]
            below = list(accumulate(by_score, initial=0))
            self._below.setdefault(row["state"], {})[kind] = below
            others = everywhere.get(kind)
            everywhere[kind] = list(map(add, others, below)) if others else below

    def total(self, filters: ProspectFilters) -> int:
        """How many prospects match the filters that are COUNTED."""
        low = filters.min_score or 0
        high = 100 if filters.max_score is None else filters.max_score
        asked: Filter = (filters.state, filters.industry, filters.status, low, high)
        if asked not in self._known:
            self._known[asked] = self._sum(*asked)
        return self._known[asked]

    def start(self, filters: ProspectFilters, offset: int, falling: bool) -> tuple[int, int]:
        """The score of the prospect at `offset` in the order of scores, and how many stand before
        all of that score; `filters` as in `total`, which is more than `offset`.
        """
        low = filters.min_score or 0
        high = 100 if filters.max_score is None else filters.max_score
        # the least number of steps from the first score after which `offset` is passed
        least, most = 0, high - low
        while least < most:
            middle = (least + most) // 2
            if self._until(filters, low, high, middle, falling) > offset:
                most = middle
            else:
                least = middle + 1
        before = self._until(filters, low, high, least - 1, falling) if least else 0
        return high - least if falling else low + least, before

    def _until(
        self, filters: ProspectFilters, low: int, high: int, steps: int, falling: bool
    ) -> int:
        """How many have one of the first `steps` + 1 scores."""
        scores = {"min_score": high - steps} if falling else {"max_score": low + steps}
        return self.total(filters.model_copy(update=scores))

    def _sum(
        self, state: str | None, industry: str | None, status: str, low: int, high: int
    ) -> int:
        return sum(
            below[high + 1] - below[low]
            for (i, t), below in self._below.get(state, {}).items()
            if industry in (None, i) and status in ("all", t)
        )


_UNCOUNTED = tuple(set(ProspectFilters.model_fields) - COUNTED)


def counted(filters: ProspectFilters) -> bool:
    """Whether the total of these filters comes from the cells."""
    return all(getattr(filters, name) is None for name in _UNCOUNTED)


class Totals:
    """The counts of this process, read when somebody asks."""

    def __init__(self, db: Executor) -> None:
        self._db = db
        self._cells: Cells | None = None
        self._reading: asyncio.Task[Cells] | None = None

    async def total(self, filters: ProspectFilters) -> int:
        """How many match, exact as of at most 2 s ago. Raises Unavailable."""
        return (await self._now()).total(filters)

    async def _now(self) -> Cells:
        cells, now = self._cells, monotonic()
        if cells is None or now - cells.taken > MOST_S:
            cells = await asyncio.shield(self._read())
        elif now - cells.taken > SOON_S:
            self._read()
        return cells

    async def start(self, filters: ProspectFilters, offset: int, falling: bool) -> tuple[int, int]:
        """`Cells.start` of the same counts as `total`. Raises Unavailable."""
        return (await self._now()).start(filters, offset, falling)

    async def close(self) -> None:
        """End what is being read."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, AppError):
                await self._reading

    def _read(self) -> asyncio.Task[Cells]:
        """The reading under way, or a new one; no matter which request began it."""
        if self._reading is None or self._reading.done():
            # not in the context of the request: neither its user nor its transaction
            self._reading = asyncio.create_task(self._load(), context=Context())
            self._reading.add_done_callback(_log_failure)
        return self._reading

    async def _load(self) -> Cells:
        taken = monotonic()
        self._cells = cells = Cells(await store.cells(self._db), taken)
        if cells.deltas >= FOLD_AT:
            # whoever waits for the counts has them: the deltas are there for the next reading
            with suppress(AppError):
                await store.fold(self._db)
        return cells


def _log_failure(reading: asyncio.Task[Cells]) -> None:
    if not reading.cancelled() and (failure := reading.exception()):
        log.warning("the totals could not be read: %s", failure)
