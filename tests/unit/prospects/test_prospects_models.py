"""What a list request may ask."""

import pytest
from pydantic import ValidationError

from services.prospects.filters import ListQuery


def test_defaults_are_those_of_the_specification() -> None:
    query = ListQuery.model_validate({})
    assert (query.page, query.limit, query.sort_by, query.sort_order, query.status) == (
        1,
        20,
        "priority_score",
        "desc",
        "all",
    )


@pytest.mark.parametrize("state", ["NY", "ny", "pr", "dc"])
def test_states_and_territories_in_either_case(state: str) -> None:
    assert ListQuery.model_validate({"state": state}).state == state.upper()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page", "0"),
        ("page", "1000000001"),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "ten"),
        ("state", "ZZ"),
        ("state", ""),
        ("industry", "banking"),
        ("min_score", "-1"),
        ("max_score", "101"),
        ("status", "lost"),
        ("sort_by", "id; DROP TABLE prospects"),
        ("sort_order", "DESC"),
        ("mca", "yes"),
        ("stacked", "perhaps"),
        ("colour", "red"),
    ],
)
def test_what_is_not_in_the_vocabulary_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ListQuery.model_validate({field: value})
    assert caught.value.errors()[0]["loc"] == (field,)
