"""Health from dated facts: windows, liens, the trend, and that a day judged again is the same."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pipelines.scoring import health
from services.pipelines.scoring.facts import Facts
from services.pipelines.scoring.health import GROWTH_DAYS, TREND_DAYS, VIOLATION_DAYS
from tests.unit.scoring.make import AS_OF, facts, filing

days = st.none() | st.dates(AS_OF - timedelta(days=3000), AS_OF + timedelta(days=60))
some_days = st.lists(days, max_size=15).map(tuple)
opened = st.dates(AS_OF - timedelta(days=1000), AS_OF + timedelta(days=60))


def ago(number: int) -> date:
    return AS_OF - timedelta(days=number)


def lien(number: str, filed_on: date, terminated_on: date | None = None) -> Facts:
    return facts(
        filing(number, filed_on, filing_type="federal_tax_lien", terminated_on=terminated_on)
    )


@st.composite
def known(draw: st.DrawFn) -> Facts:
    """Facts with signals, violations and liens of any age, in any order."""
    liens = [
        filing(str(n), on, filing_type="judgment_lien")
        for n, on in enumerate(draw(st.lists(opened, max_size=6)))
    ]
    return facts(*liens, signals=draw(some_days), violations=draw(some_days))


@pytest.mark.parametrize(
    ("age", "counted"),
    [(-1, 0), (0, 1), (GROWTH_DAYS, 1), (GROWTH_DAYS + 1, 0), (5000, 0)],
)
def test_a_growth_signal_counts_for_540_days(age: int, counted: int) -> None:
    assert health.count(facts(signals=(ago(age),)), AS_OF).signals == counted


@pytest.mark.parametrize(
    ("age", "counted"), [(-1, 0), (0, 1), (VIOLATION_DAYS, 1), (VIOLATION_DAYS + 1, 0)]
)
def test_a_violation_counts_for_five_years(age: int, counted: int) -> None:
    assert health.count(facts(violations=(ago(age),)), AS_OF).violations == counted


def test_what_has_no_date_counts_at_every_date() -> None:
    undated = facts(signals=(None,), violations=(None, None))

    for day in (ago(9000), AS_OF):
        assert health.count(undated, day) == health.Counts(1, 2, 0)


def test_a_lien_counts_while_it_is_open() -> None:
    known_lien = lien("1", ago(50), terminated_on=ago(10))

    assert [health.count(known_lien, ago(age)).liens for age in (51, 50, 11, 10)] == [0, 1, 1, 0]


def test_only_tax_and_judgment_liens_are_liens() -> None:
    assert health.judge(facts(filing()), AS_OF).score.value == 70


def test_every_component_has_its_reason() -> None:
    known_lien = lien("1", ago(400))
    found = health.judge(
        facts(*known_lien.filings, signals=(ago(1), ago(2)), violations=(ago(3),)), AS_OF
    )

    assert found.score.value == 64
    assert found.score.components == [
        {"name": "base", "points": 70, "reason": "Every prospect starts at 70."},
        {"name": "growth_signals", "points": 4, "reason": "2 growth signals."},
        {"name": "violations", "points": -5, "reason": "1 violation."},
        {"name": "liens", "points": -5, "reason": "1 open tax or judgment lien."},
    ]


@pytest.mark.parametrize(
    ("signals", "violations", "trend"),
    [
        ((), (), "stable"),
        ((1,), (), "stable"),
        ((1, 2), (), "improving"),
        ((), (1,), "declining"),
        ((1, 2), (3,), "stable"),
        ((TREND_DAYS, TREND_DAYS), (), "stable"),
        ((TREND_DAYS - 1, TREND_DAYS - 1), (), "improving"),
        ((GROWTH_DAYS + 1, GROWTH_DAYS + 1), (), "declining"),
        ((), (VIOLATION_DAYS + 1,), "improving"),
    ],
)
def test_the_trend_is_what_a_quarter_changed(
    signals: tuple[int, ...], violations: tuple[int, ...], trend: str
) -> None:
    known_facts = facts(signals=tuple(map(ago, signals)), violations=tuple(map(ago, violations)))

    assert health.judge(known_facts, AS_OF).trend == trend


def test_the_trend_says_what_changed() -> None:
    known_lien = lien("1", ago(400), terminated_on=ago(5))
    found = health.judge(
        facts(*known_lien.filings, signals=(ago(1), ago(600)), violations=(ago(3), ago(9))), AS_OF
    )

    assert found.trend == "declining"
    assert found.trend_reason == (
        "62 now, 67 on 2026-06-17: 2 violations more, 1 open tax or judgment lien fewer."
    )


def test_where_nothing_changed_the_trend_says_so() -> None:
    assert health.judge(facts(), AS_OF).trend_reason == "70 now, 70 on 2026-06-17."


@given(known(), st.integers(0, 400))
def test_a_day_judged_again_later_is_the_same(known_facts: Facts, later: int) -> None:
    """Facts that came after the day change nothing of it."""
    after = tuple(AS_OF + timedelta(days=1 + n) for n in range(later % 7))
    grown = facts(
        *known_facts.filings,
        signals=known_facts.signals + after,
        violations=known_facts.violations + after,
    )

    assert health.judge(grown, AS_OF) == health.judge(known_facts, AS_OF)


@given(known(), st.integers(0, 99))
def test_the_order_of_facts_changes_nothing(known_facts: Facts, seed: int) -> None:
    mix = Random(seed).sample
    filings = mix(known_facts.filings, len(known_facts.filings))
    signals = mix(known_facts.signals, len(known_facts.signals))
    violations = mix(known_facts.violations, len(known_facts.violations))
    shuffled = facts(*filings, signals=tuple(signals), violations=tuple(violations))

    assert health.judge(shuffled, AS_OF) == health.judge(known_facts, AS_OF)


@given(known())
def test_a_trend_is_the_opposite_of_the_way_back(known_facts: Facts) -> None:
    opposite = {"improving": "declining", "declining": "improving", "stable": "stable"}
    now, then = health.count(known_facts, AS_OF), health.count(known_facts, ago(TREND_DAYS))

    forth, _ = health.compare(now, then, AS_OF)
    back, _ = health.compare(then, now, AS_OF)

    assert back == opposite[forth]


@given(known())
def test_components_sum_to_a_score_within_its_bounds(known_facts: Facts) -> None:
    score = health.judge(known_facts, AS_OF).score

    assert sum(part["points"] for part in score.components) == score.value
    assert 20 <= score.value <= 90
