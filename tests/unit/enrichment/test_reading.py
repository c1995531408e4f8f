"""Cells of any type: what can be read is read, the rest is None."""

from datetime import date
from typing import Any

import pytest

from services.pipelines.enrichment.signals.reading import (
    BadShape,
    day,
    day_of_ms,
    dollars,
    link,
    member,
    rows,
    text,
)
from services.pipelines.enrichment.signals.window import month_end, since


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  EAST    4 STREET ", "EAST 4 STREET"),
        (5, "5"),
        ("", None),
        ("  ", None),
        (None, None),
        (True, None),
        (["x"], None),
        ("a\0b", "a b"),
        ("x" * 400, "x" * 300),
    ],
)
def test_texts(value: Any, expected: str | None) -> None:
    assert text({"a": value}, "a") == expected
    assert text({}, "a") is None


@pytest.mark.parametrize(
    "value",
    ["javascript:alert(1)", "//x", "ftp://x", 5, None, "https://a\nb", "https://" + "x" * 2000],
)
def test_what_is_no_address_becomes_no_link(value: Any) -> None:
    assert link({"a": value}, "a") is None


def test_an_address_is_kept_whole() -> None:
    long = "https://www.adzuna.com/land/ad/1?x=" + "y" * 400
    assert link({"a": long}, "a") == long


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.0", None), ("424000", 424000.0), ("$1,200.50", 1200.5), (-5, None), (0.001, None),
        ("nan", None), ("inf", None), (1e300, None), (True, None), (None, None), ("x", None),
    ],
)  # fmt: skip
def test_amounts(value: Any, expected: float | None) -> None:
    assert dollars(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-23T14:30:55.000", date(2026, 3, 23)),
        ("2026-03-23", date(2026, 3, 23)),
        ("03/23/2026", date(2026, 3, 23)),
        ("03/23/2026 00:00", date(2026, 3, 23)),
        ("23/03/2026", None),
        ("2026-13-01", None),
        ("soon", None),
        ("", None),
        (20260323, None),
        (None, None),
    ],
)
def test_days(value: Any, expected: date | None) -> None:
    assert day(value) == expected


@pytest.mark.parametrize("value", [None, "1", True, 1e300, float("nan")])
def test_times_that_are_none(value: Any) -> None:
    assert day_of_ms(value) is None


def test_shapes() -> None:
    assert rows([{"a": 1}, 5, None]) == [{"a": 1}]
    assert member({"a": {"b": 1}}, "a", "b") == 1


@pytest.mark.parametrize("odd", [None, {}, "x", 5, [], {"a": 1}, {"b": 1}])
def test_other_shapes_are_refused(odd: Any) -> None:
    with pytest.raises(BadShape):
        member(odd, "a", "b")
    if odd != []:
        with pytest.raises(BadShape):
            rows(odd)


def test_a_window_begins_on_the_first_of_a_month() -> None:
    assert since(date(2026, 9, 15), 12) == date(2025, 9, 1)
    assert since(date(2026, 1, 31), 1) == date(2025, 12, 1)
    assert since(date(2026, 1, 31), 25) == date(2023, 12, 1)
    assert month_end(date(2028, 2, 3)) == date(2028, 2, 29)
