"""A prospect's health at a date: its score, and whether it gets better or worse.

Pure, between assess and scores. Only what is recent counts, and every window is measured from
`as_of`; the trend compares with what the same facts showed a quarter before. So a day that is
judged again from the same facts gives the same health, whenever that is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.pipelines.scoring import scores
from services.pipelines.scoring.facts import Facts
from services.pipelines.scoring.findings import DISTRESS, is_open

Trend = Literal["improving", "stable", "declining"]
Day = date | None

GROWTH_DAYS = 540
"""A growth signal counts as long as a filing is of use to a caller (sources.md, section 4)."""
VIOLATION_DAYS = 5 * 365
"""OSHA looks five years back for a repeated violation (Field Operations Manual, chapter 4)."""
TREND_DAYS = 90
"""A quarter: permits and filings are known within weeks, inspections within months."""
TREND_LEAST = 4
"""Points: two growth signals, one violation or one lien; a single signal is no trend."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a health score is made of."""

    signals: int
    violations: int
    liens: int

    @property
    def score(self) -> scores.Score:
        """The score of these counts."""
        return scores.health(self.signals, self.violations, self.liens)


@dataclass(frozen=True, slots=True)
class Health:
    """Health at a date: what was counted, the score with its components, the trend and why."""

    counts: Counts
    score: scores.Score
    trend: Trend
    trend_reason: str


def judge(facts: Facts, as_of: date) -> Health:
    """The health that `facts` show at `as_of`."""
    since = as_of - timedelta(days=TREND_DAYS)
    now, then = count(facts, as_of), count(facts, since)
    trend, reason = compare(now, then, since)
    return Health(now, now.score, trend, reason)


def count(facts: Facts, as_of: date) -> Counts:
    """Recent growth signals and violations, and the tax and judgment liens open at `as_of`."""
    return Counts(
        recent(facts.signals, as_of, GROWTH_DAYS),
        recent(facts.violations, as_of, VIOLATION_DAYS),
        sum(f.filing_type in DISTRESS and is_open(f, as_of) for f in facts.filings),
    )


def recent(days: Iterable[Day], as_of: date, window: int) -> int:
    """How many lie in the `window` days up to `as_of`, both ends included.

    One without a date counts at every date: nothing tells that it is old.
    """
    return sum(day is None or 0 <= (as_of - day).days <= window for day in days)


def compare(now: Counts, then: Counts, since: date) -> tuple[Trend, str]:
    """The trend from `then`, at `since`, to `now`, and why."""
    score, before = now.score.value, then.score.value
    gained = score - before
    changes = _changes(now, then)
    told = f"{score} now, {before} on {since}" + (f": {', '.join(changes)}." if changes else ".")
    if abs(gained) < TREND_LEAST:
        return "stable", told
    return "improving" if gained > 0 else "declining", told


def _changes(now: Counts, then: Counts) -> list[str]:
    pairs = (
        ("growth signal", now.signals, then.signals),
        ("violation", now.violations, then.violations),
        ("open tax or judgment lien", now.liens, then.liens),
    )
    return [
        f"{scores.count(abs(new - old), noun)} {'more' if new > old else 'fewer'}"
        for noun, new, old in pairs
        if new != old
    ]
