"""Health and priority of a prospect as pure arithmetic; each score explains itself.

A score is the sum of its components, which are stored with it. Guarantee, held by a property
test: a stacked prospect scores at least as high as any prospect that is not stacked (55 at
least, against 54 at most).
"""

from dataclasses import dataclass
from datetime import date
from typing import TypedDict

from services.pipelines.scoring.facts import Mca

GRADES = ((90, "A"), (80, "B"), (70, "C"), (60, "D"))
STACKED = 2

_FRESH_FROM, _FRESH_TO, _FRESH_END = 30, 120, 540
"""Days since filing: best worked at 30 to 120, of no use after 540 (sources.md, section 4)."""


class Component(TypedDict):
    """One addend of a score, in points."""

    name: str
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """0 to 100, with the components that sum to it."""

    value: int
    components: list[Component]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the priority of a prospect depends on; `liens` are open tax and judgment liens."""

    as_of: date
    mca: Mca = "none"
    stack_depth: int = 0
    stack_certain: int = 0
    newest_open: date | None = None
    renewal_on: date | None = None
    signals: int = 0
    health: int = 70
    liens: int = 0


def health(signals: int, violations: int, liens: int = 0) -> Score:
    """70 + 2 a growth signal (at most 20) - 5 a violation (at most 30) - 5 a lien (at most 20).

    An open tax or judgment lien weighs like a violation; all liens together take at most what
    growth can give. The trend adds nothing: what it tells is in the counts already.
    """
    parts = [
        _part("base", 70, "Every prospect starts at 70."),
        _part("growth_signals", min(2 * signals, 20), f"{count(signals, 'growth signal')}."),
        _part("violations", -min(5 * violations, 30), f"{count(violations, 'violation')}."),
        _part("liens", -min(5 * liens, 20), f"{count(liens, 'open tax or judgment lien')}."),
    ]
    return _sum(parts)


def grade(score: int) -> str:
    """A from 90, B from 80, C from 70, D from 60, else F."""
    return next((letter for least, letter in GRADES if score >= least), "F")


def priority(s: Standing) -> Score:
    """How soon to call: MCA evidence and stacking first, then timing, growth, health, distress."""
    renewal = 14 if s.renewal_on else 0
    parts = [
        _mca(s.mca),
        _stack(s.stack_depth, s.stack_certain),
        _freshness(s.newest_open, s.as_of),
        _part("renewal", renewal, f"A bank lien lapses on {s.renewal_on} without continuation."),
        _part("growth_signals", min(2 * s.signals, 6), f"{count(s.signals, 'growth signal')}."),
        _part("health", _health_points(s.health), f"Health score {s.health}."),
        _part("distress", -min(2 * s.liens, 5), f"{count(s.liens, 'open tax or judgment lien')}."),
    ]
    return _sum(parts)


def _mca(mca: Mca) -> Component:
    points = {"certain": 20, "possible": 10, "none": 0}[mca]
    return _part("mca", points, f"A merchant cash advance is {mca}.")


def _stack(depth: int, certain: int) -> Component:
    if depth < STACKED:
        return _part("stack", 0, "")
    points = 50 + 2 * min(depth - STACKED, 3) + 2 * min(certain, 3)
    return _part("stack", points, f"{depth} MCA filings within 18 months, {certain} certain.")


def _freshness(newest: date | None, as_of: date) -> Component:
    if newest is None:
        return _part("freshness", 0, "")
    reason = f"The newest open lender filing is of {newest}."
    return _part("freshness", freshness_points((as_of - newest).days), reason)


def freshness_points(age_days: int) -> int:
    """0 to 10 by the age of the newest open lender filing: 8 when too new to be called on yet."""
    if age_days < _FRESH_FROM:
        return 8
    if age_days <= _FRESH_TO:
        return 10
    span = _FRESH_END - _FRESH_TO
    return max(0, (10 * (_FRESH_END - age_days) + span // 2) // span)


def _health_points(score: int) -> int:
    """0 at a health of 50 or less to 4 at 90, rounded half up."""
    return min(4, max(0, (score - 50 + 5) // 10))


def _part(name: str, points: int, reason: str) -> Component:
    return {"name": name, "points": points, "reason": reason}


def _sum(parts: list[Component]) -> Score:
    """Components without points are left out; what exceeds 0..100 is taken off by `clip`."""
    kept = [part for part in parts if part["points"]]
    total = sum(part["points"] for part in kept)
    value = min(100, max(0, total))
    if value != total:
        kept.append(_part("clip", value - total, "A score lies between 0 and 100."))
    return Score(value, kept)


def count(number: int, noun: str) -> str:
    """`3 violations`, `1 violation`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
