"""What the API part reads from wrk and from /metrics, and what it asks."""

from pathlib import Path

import pytest

from tests.load.api import load, part, questions
from tests.load.api.load import Answered
from tests.load.api.part import Measured
from tests.load.exposition import parse

EXPOSITION = """\
# TYPE ucc_db_query_seconds histogram
ucc_db_query_seconds_bucket{query="a",le="0.05"} 8
ucc_db_query_seconds_bucket{query="a",le="+Inf"} 10
ucc_db_query_seconds_count{query="a"} 10
ucc_db_query_seconds_sum{query="a"} 1
ucc_db_query_seconds_bucket{query="b",le="0.05"} 10
ucc_db_query_seconds_bucket{query="b",le="+Inf"} 10
ucc_db_query_seconds_count{query="b"} 10
ucc_db_query_seconds_sum{query="b"} 1
"""


def _answered(rate: float) -> Answered:
    return Answered(rate, 1, 2, 3, 100, 0, 0)


def test_the_figures_of_wrk_are_read() -> None:
    shown = "Running 1s test\nRESULT 812.50 20.100 45.200 90.300 6500 2 1\n"
    assert load.parse(shown) == Answered(812.5, 20.1, 45.2, 90.3, 6500, 2, 1)


def test_a_wrk_without_figures_is_an_error_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        load.parse("", "unable to connect")


def test_the_share_of_quick_queries_counts_all_of_them() -> None:
    assert part.within(parse(EXPOSITION)) == 0.9


def test_no_query_at_all_is_no_share() -> None:
    assert part.within({}) == 0.0


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    measured = Measured()
    measured.rounds["get"] = {
        "ours": [_answered(rate) for rate in (100, 80, 300)],
        "bare": [_answered(rate) for rate in (100, 100, 100)],
    }
    assert measured.ratio("get", "bare") == 1.0


def test_lists_ask_pages_1_to_50_with_the_filters_of_the_specification() -> None:
    lines = questions.lists().lines
    asked = [dict(each.split("=") for each in line.partition("?")[2].split("&")) for line in lines]
    assert {int(each["page"]) for each in asked} == set(range(1, 51))
    assert {name for each in asked for name in each} == {
        "page", "limit", "state", "industry", "min_score", "max_score", "status", "sort_by",
        "sort_order",
    }  # fmt: skip


def test_load_goes_to_loopback_only(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="loopback"):
        load.ask("http://192.0.2.1:80", questions.first_page(), tmp_path, seconds=1)
