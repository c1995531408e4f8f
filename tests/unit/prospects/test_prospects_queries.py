"""Statements are built of closed fragments; values of a request only ever become parameters."""

from itertools import product
from typing import get_args

import pytest

from services.common.types import Status
from services.prospects import store
from services.prospects.models import (
    ListQuery,
    ProspectFilters,
    SortBy,
    SortOrder,
    StatusFilter,
)


def _where(**given: object) -> tuple[str, list[object]]:
    names, flags, values = store._chosen(ProspectFilters.model_validate(given))
    return store._where(names, flags, 1), values


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


@pytest.mark.parametrize(("by", "order"), [*product(get_args(SortBy), get_args(SortOrder))])
def test_every_order_is_total(by: SortBy, order: SortOrder) -> None:
    statement = store._page_statement((), (), by, order).sql
    assert "{" not in statement
    assert store._ORDERS[by, order].split(", ")[-1].startswith("p.id")
    assert f"ORDER BY {store._ORDERS[by, order]}" in statement


def test_the_query_name_stays_that_of_the_file() -> None:
    assert store._page_statement(("state",), (), "created_at", "asc").name == "prospects_page"
    assert store._count_statement(("state",), ()).name == "prospects_count"
    assert store._GET.name == "prospect_get"


def test_statements_differ_by_shape_not_by_value() -> None:
    first, second = (store._chosen(ListQuery(state=state))[:2] for state in ("CO", "OR"))
    assert store._count_statement(*first) is store._count_statement(*second)


def test_status_filter_knows_every_status() -> None:
    assert set(get_args(StatusFilter)) == {"all", *Status}
