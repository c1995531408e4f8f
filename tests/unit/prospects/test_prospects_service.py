"""Decisions of the prospects service that need no database."""

import pytest

from services.common.errors import ValidationFailed
from services.prospects.filters import ListQuery
from services.prospects.service import Known, check_filters, paginate


@pytest.mark.parametrize(
    ("total", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2), (1_000_000, 50_000)]
)
def test_total_pages_round_up(total: int, pages: int) -> None:
    assert paginate(ListQuery(), Known(total, False)).totalPages == pages


def test_a_score_range_upside_down_names_both_ends() -> None:
    with pytest.raises(ValidationFailed) as caught:
        check_filters(ListQuery(min_score=60, max_score=50))
    assert [error["pointer"] for error in caught.value.errors] == [
        "/query/min_score",
        "/query/max_score",
    ]


@pytest.mark.parametrize(
    "query", [ListQuery(min_score=50, max_score=50), ListQuery(min_score=60), ListQuery()]
)
def test_a_score_range_that_can_match_is_taken(query: ListQuery) -> None:
    check_filters(query)
