"""What psql says about its statements."""

import pytest

from tests.load.baseline import by_name, growth, statement_times
from tests.load.exposition import Timing

SHOWN = """\
begin
Time: 0.100 ms
lock_register

Time: 2.500 ms
merge_counts
12|0|7
Time: 1250.000 ms (00:01.250)
"""


def test_each_time_belongs_to_the_name_before_it() -> None:
    assert statement_times(SHOWN) == [
        Timing("begin", 1, 0.0001),
        Timing("lock_register", 1, 0.0025),
        Timing("merge_counts", 1, 1.25),
    ]


def test_statements_are_grouped_the_longest_first() -> None:
    timings = [Timing("a", 1, 1.0), Timing("b", 1, 3.0), Timing("a", 1, 1.5)]
    assert list(by_name(timings).items()) == [("b", [3.0]), ("a", [1.0, 1.5])]


@pytest.mark.parametrize(
    ("seconds", "factor"),
    [([9, 9, 2, 2, 2, 2, 3, 3], 1.5), ([1, 1, 1, 1], 1.0), ([1, 2], 1.0), ([0, 0, 0, 0], 1.0)],
)
def test_growth_compares_the_last_quarter_with_the_second(
    seconds: list[float], factor: float
) -> None:
    assert growth(seconds) == factor
