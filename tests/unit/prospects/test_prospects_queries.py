"""Statements are built of closed fragments; values of a request only ever become parameters."""

from itertools import product
from typing import get_args

import pytest

from services.common.types import Status
from services.prospects import store
from services.prospects.filters import (
    ListQuery,
    ProspectFilters,
    SortBy,
    SortOrder,
    StatusFilter,
)


def _where(**given: object) -> tuple[str, list[object]]:
    return store.where(ProspectFilters.model_validate(given))


def test_no_filter_matches_everything() -> None:
    assert _where() == ("true", [])


def test_status_all_is_no_filter() -> None:
    assert _where(status="all") == ("true", [])


def test_parameters_are_numbered_in_the_order_of_the_values() -> None:
    where, values = _where(max_score="90", state="ny", min_score="10")
    assert where == "p.state = $1 AND p.priority_score >= $2 AND p.priority_score <= $3"
    assert values == ["NY", 10, 90]


def test_flags_are_constants_so_that_partial_indexes_serve_them() -> None:
    assert _where(stacked="true", distress="false") == ("p.stack_depth >= 2 AND NOT p.distress", [])


def test_a_score_of_zero_is_a_filter() -> None:
    assert _where(max_score="0") == ("p.priority_score <= $1", [0])


def test_every_filter_of_the_model_has_a_fragment() -> None:
    assert {*store._BY_VALUE, *store._BY_FLAG} == set(ProspectFilters.model_fields)


@pytest.mark.parametrize(
    ("by", "order", "after", "count"),
    [*product(get_args(SortBy), get_args(SortOrder), (False, True), (False, True))],
)
def test_every_list_is_in_one_order_with_ties_by_id(
    by: SortBy, order: SortOrder, after: bool, count: bool
) -> None:
    statement = store._page_statement((), (), by, order, after, count).sql
    assert "{" not in statement
    ties = "DESC" if store._TIES_FALL[by, order] else "ASC"
    assert f"ORDER BY {store._KEYS[by].sql} {order.upper()}, p.id {ties}" in statement


def test_a_lender_is_one_quoted_term() -> None:
    assert _where(lender="O'Brien \\ Sons")[1] == ["'o''brien \\\\ sons'"]


def test_a_star_asks_for_lenders_that_begin_so() -> None:
    assert _where(lender="Kap*")[1] == ["'kap':*"]


def test_special_characters_of_like_are_plain_text() -> None:
    assert _where(q="50%_a")[1] == ["%50\\%\\_a%"]


def test_the_query_name_stays_that_of_the_file() -> None:
    statement = store._page_statement(("state",), (), "created_at", "asc", False, True)
    assert statement.name == "prospects_page"
    assert store._estimate_statement(("state",), ()).name == "prospects_estimate"
    assert store.GET.name == "prospect_get"


def test_statements_differ_by_shape_not_by_value() -> None:
    first, second = (store._chosen(ListQuery(state=state))[:2] for state in ("CO", "OR"))
    assert store._estimate_statement(*first) is store._estimate_statement(*second)


def test_status_filter_knows_every_status() -> None:
    assert set(get_args(StatusFilter)) == {"all", *Status}
