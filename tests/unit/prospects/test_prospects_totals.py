"""Totals summed from cells, and how old they may be."""

import asyncio
from typing import Any

import pytest

from services.common.errors import Unavailable
from services.prospects import store, totals
from services.prospects.filters import ListQuery, ProspectFilters
from services.prospects.totals import Cells, Totals, counted

ROWS: list[Any] = [
    {"state": "CO", "industry": "retail", "status": "unclaimed", "scores": [0, 50, 100],
     "prospects": [5, 3, 2], "deltas": 0},
    {"state": "CO", "industry": "", "status": "claimed", "scores": [50], "prospects": [7],
     "deltas": 2},
    {"state": "CT", "industry": "retail", "status": "unclaimed", "scores": [99],
     "prospects": [1], "deltas": 0},
]  # fmt: skip


@pytest.mark.parametrize(
    ("filters", "total"),
    [
        ({}, 18),
        ({"state": "CO"}, 17),
        ({"industry": "retail"}, 11),
        ({"status": "claimed"}, 7),
        ({"min_score": "50"}, 13),
        ({"max_score": "50"}, 15),
        ({"min_score": "51", "max_score": "99"}, 1),
        ({"min_score": "100"}, 2),
        ({"max_score": "0"}, 5),
        ({"state": "CO", "industry": "retail", "status": "unclaimed", "min_score": "1"}, 5),
        ({"state": "NY"}, 0),
    ],
)
def test_sums(filters: dict[str, str], total: int) -> None:
    cells = Cells(ROWS, 0)
    for _ in range(2):
        assert cells.total(ListQuery.model_validate(filters)) == total
    assert cells.deltas == 2


@pytest.mark.parametrize(
    ("filters", "known"),
    [
        ({}, True),
        ({"state": "CO", "industry": "retail", "status": "dead", "min_score": "1"}, True),
        ({"mca": "none"}, False),
        ({"stacked": "false"}, False),
        ({"q": "abc", "state": "CO"}, False),
    ],
)
def test_which_filters_are_counted(filters: dict[str, str], known: bool) -> None:
    assert counted(ProspectFilters.model_validate(filters)) == known


@pytest.mark.parametrize("falling", [True, False])
@pytest.mark.parametrize(
    "filters",
    [{}, {"state": "CO"}, {"min_score": "50"}, {"max_score": "99"}, {"status": "claimed"}],
)
def test_a_place_in_the_order_of_scores(filters: dict[str, str], falling: bool) -> None:
    query = ListQuery.model_validate(filters)
    low, high = query.min_score or 0, 100 if query.max_score is None else query.max_score
    scores = [
        score
        for row in ROWS
        if query.state in (None, row["state"]) and query.status in ("all", row["status"])
        for score, count in zip(row["scores"], row["prospects"], strict=True)
        for _ in range(count)
        if low <= score <= high
    ]
    scores.sort(reverse=falling)
    cells = Cells(ROWS, 0)
    for offset, score in enumerate(scores):
        assert cells.start(query, offset, falling) == (score, scores.index(score))


class _Source:
    """Stands in for the store: counts readings, may fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.readings = self.folds = 0
        self.fails = self.fold_fails = False
        self.now = 100.0
        monkeypatch.setattr(store, "cells", self.cells)
        monkeypatch.setattr(store, "fold", self.fold)
        monkeypatch.setattr(totals, "monotonic", lambda: self.now)

    async def cells(self, db: object) -> list[Any]:
        self.readings += 1
        await asyncio.sleep(0)
        if self.fails:
            raise Unavailable
        return ROWS

    async def fold(self, db: object) -> None:
        self.folds += 1
        if self.fold_fails:
            raise Unavailable


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> _Source:
    return _Source(monkeypatch)


def _totals() -> Totals:
    return Totals(None)  # type: ignore[arg-type]


async def test_many_at_once_are_one_reading(source: _Source) -> None:
    counts = _totals()
    assert await asyncio.gather(*(counts.total(ListQuery()) for _ in range(50))) == [18] * 50
    assert source.readings == 1


async def test_soon_old_counts_are_used_while_they_are_read_again(source: _Source) -> None:
    counts = _totals()
    await counts.total(ListQuery())
    source.now += 1.6
    await counts.total(ListQuery())
    assert source.readings == 1
    await asyncio.sleep(0.01)
    assert source.readings == 2
    await counts.close()


async def test_old_counts_are_never_used(source: _Source) -> None:
    counts = _totals()
    await counts.total(ListQuery())
    source.now, source.fails = source.now + 2, True
    with pytest.raises(Unavailable):
        await counts.total(ListQuery())
    source.fails = False
    assert await counts.total(ListQuery()) == 18


async def test_many_deltas_are_folded(source: _Source, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = _totals()
    await counts.total(ListQuery())
    assert source.folds == 0
    monkeypatch.setattr(totals, "FOLD_AT", 2)
    source.now += 2
    await counts.total(ListQuery())
    assert source.folds == 1


async def test_counts_that_were_read_are_told_whatever_becomes_of_the_fold(
    source: _Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "FOLD_AT", 2)
    source.fold_fails = True
    assert await _totals().total(ListQuery()) == 18
    assert source.folds == 1
