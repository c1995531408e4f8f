"""Differences of two scrapes."""

from tests.load.exposition import Timing, between, parse, timings

BEFORE = """\
# TYPE ucc_db_query_seconds histogram
ucc_db_query_seconds_bucket{query="claim",le="+Inf"} 2.0
ucc_db_query_seconds_count{query="claim"} 2.0
ucc_db_query_seconds_sum{query="claim"} 0.5
"""
AFTER = """\
# TYPE ucc_db_query_seconds histogram
ucc_db_query_seconds_bucket{query="claim",le="+Inf"} 2.0
ucc_db_query_seconds_count{query="claim"} 2.0
ucc_db_query_seconds_sum{query="claim"} 0.5
ucc_db_query_seconds_count{query="merge"} 3.0
ucc_db_query_seconds_sum{query="merge"} 6.0
ucc_db_query_seconds_count{query="commit"} 9.0
ucc_db_query_seconds_sum{query="commit"} 7.0
"""


def test_what_ran_between_the_scrapes_comes_longest_first() -> None:
    grown = between(parse(BEFORE), parse(AFTER))
    assert timings(grown, "ucc_db_query_seconds", "query") == [
        Timing("commit", 9, 7.0),
        Timing("merge", 3, 6.0),
    ]


def test_another_histogram_is_not_mixed_in() -> None:
    assert timings(parse(AFTER), "ucc_job_seconds", "kind") == []
