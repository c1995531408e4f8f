"""How pauses between tries grow."""

import pytest

from services.common import pauses


def test_a_pause_doubles_until_it_is_capped() -> None:
    assert [pauses.longest(n, 2.0, 10.0) for n in (1, 2, 3, 4, 5)] == [2.0, 4.0, 8.0, 10.0, 10.0]


def test_without_a_cap_it_goes_on_doubling() -> None:
    assert pauses.longest(11, 0.5) == 512.0


@pytest.mark.parametrize("tried", [1025, 10_000])
def test_no_number_of_tries_is_too_large(tried: int) -> None:
    assert pauses.longest(tried, 1.0, 60.0) == 60.0
