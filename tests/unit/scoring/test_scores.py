"""Health and priority: the formulas, their sums, and the guarantee about stacked prospects."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pipelines.scoring import scores
from services.pipelines.scoring.scores import Standing
from tests.unit.scoring.make import AS_OF

counts = st.integers(0, 60)
health = st.builds(lambda s, v, n: scores.health(s, v, n).value, counts, counts, counts)
shared = {
    "as_of": st.just(AS_OF),
    "newest_open": st.none() | st.dates(date(1990, 1, 1), AS_OF),
    "renewal_on": st.none() | st.dates(AS_OF, date(2027, 9, 15)),
    "signals": counts,
    "health": health,
    "liens": counts,
}
not_stacked = st.builds(
    Standing,
    mca=st.sampled_from(["none", "possible", "certain"]),
    stack_depth=st.integers(0, 1),
    stack_certain=st.integers(0, 1),
    **shared,
)
stacked = st.builds(
    Standing,
    mca=st.sampled_from(["possible", "certain"]),
    stack_depth=st.integers(2, 60),
    stack_certain=st.integers(0, 60),
    **shared,
)


@given(stacked, not_stacked)
def test_a_stacked_prospect_never_scores_below_one_that_is_not(a: Standing, b: Standing) -> None:
    assert scores.priority(a).value >= scores.priority(b).value


def test_the_guarantee_is_tight_by_construction() -> None:
    least = Standing(AS_OF, "possible", 2, 0, date(1990, 1, 1), None, 0, 40, 9)
    most = Standing(AS_OF, "certain", 1, 1, date(2026, 7, 1), date(2027, 1, 1), 50, 90, 0)

    assert scores.priority(least).value == 55
    assert scores.priority(most).value == 54


@given(stacked | not_stacked)
def test_components_sum_to_a_score_within_bounds(standing: Standing) -> None:
    score = scores.priority(standing)

    assert sum(part["points"] for part in score.components) == score.value
    assert 0 <= score.value <= 100
    assert all(part["points"] and part["reason"] for part in score.components)


def test_what_exceeds_a_hundred_is_shown_as_clip() -> None:
    best = Standing(AS_OF, "certain", 9, 9, date(2026, 7, 1), date(2027, 1, 1), 50, 90, 0)

    score = scores.priority(best)

    assert score.value == 100
    assert score.components[-1]["name"] == "clip"


def test_liens_alone_do_not_fall_below_zero() -> None:
    assert scores.priority(Standing(AS_OF, health=40, liens=3)).value == 0


@pytest.mark.parametrize(
    ("age_days", "points"),
    [(0, 8), (29, 8), (30, 10), (120, 10), (141, 10), (142, 9), (330, 5), (539, 0), (5400, 0)],
)
def test_freshness_by_age(age_days: int, points: int) -> None:
    assert scores.freshness_points(age_days) == points


@given(st.integers(120, 2000))
def test_freshness_only_falls_after_its_best_days(age_days: int) -> None:
    assert scores.freshness_points(age_days) >= scores.freshness_points(age_days + 1)


@pytest.mark.parametrize(
    ("signals", "violations", "score"),
    [(0, 0, 70), (3, 0, 76), (10, 0, 90), (99, 0, 90), (0, 2, 60), (0, 99, 40), (99, 99, 60)],
)
def test_health_by_the_base_formula(signals: int, violations: int, score: int) -> None:
    assert scores.health(signals, violations).value == score


@pytest.mark.parametrize(("liens", "score"), [(0, 70), (1, 65), (4, 50), (99, 50)])
def test_open_liens_take_from_health(liens: int, score: int) -> None:
    assert scores.health(0, 0, liens).value == score


@given(counts, counts, counts)
def test_health_components_sum_to_the_score(signals: int, violations: int, liens: int) -> None:
    score = scores.health(signals, violations, liens)

    assert sum(part["points"] for part in score.components) == score.value


@pytest.mark.parametrize(
    ("score", "letter"),
    [(90, "A"), (89, "B"), (80, "B"), (79, "C"), (70, "C"), (69, "D"), (60, "D"), (59, "F")],
)
def test_grades(score: int, letter: str) -> None:
    assert scores.grade(score) == letter


def test_an_older_date_makes_the_same_filing_fresher() -> None:
    filed = AS_OF - timedelta(days=400)
    now = scores.priority(Standing(AS_OF, newest_open=filed))
    then = scores.priority(Standing(AS_OF - timedelta(days=300), newest_open=filed))

    assert then.value > now.value
