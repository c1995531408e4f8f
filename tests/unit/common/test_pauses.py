"""How pauses between tries grow."""

import asyncio

import pytest

from services.common import pauses


def test_a_pause_doubles_until_it_is_capped() -> None:
    assert [pauses.longest(n, 2.0, 10.0) for n in (1, 2, 3, 4, 5)] == [2.0, 4.0, 8.0, 10.0, 10.0]


def test_without_a_cap_it_goes_on_doubling() -> None:
    assert pauses.longest(11, 0.5) == 512.0


@pytest.mark.parametrize("tried", [1025, 10_000])
def test_no_number_of_tries_is_too_large(tried: int) -> None:
    assert pauses.longest(tried, 1.0, 60.0) == 60.0


async def test_a_pause_ends_when_what_is_waited_for_comes() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await pauses.until(event, 60.0)


@pytest.mark.parametrize("most_s", [0.001, 0.0, -1.0])
async def test_a_pause_is_over_in_time(most_s: float) -> None:
    assert not await pauses.until(asyncio.Event(), most_s)
