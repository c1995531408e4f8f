"""Liveness: what a list shows, the watch must have delivered."""

import pytest

from operators.migrator.pulse import Deaf, Pulse


def pulse() -> Pulse:
    return Pulse(patience_s=60, started=0)


def test_what_was_heard_is_fine_also_when_it_is_newer_than_the_list() -> None:
    found = pulse()
    found.hear("a", "11")
    found.listed({"a": ("orders", "10")}, 1)
    found.check(61)


def test_a_change_that_is_not_delivered_in_time_is_named() -> None:
    found = pulse()
    found.hear("a", "10")
    found.listed({"a": ("orders", "11")}, 10)
    found.listed({"a": ("orders", "11")}, 60)
    found.check(70)
    with pytest.raises(Deaf, match="orders"):
        found.check(71)
    found.hear("a", "11")
    found.listed({"a": ("orders", "11")}, 72)
    found.check(72)


def test_an_object_that_was_never_delivered_counts() -> None:
    found = pulse()
    found.listed({"a": ("orders", "11")}, 10)
    found.listed({"a": ("orders", "11")}, 71)
    with pytest.raises(Deaf):
        found.check(71)


def test_what_is_gone_is_not_missed() -> None:
    found = pulse()
    found.listed({"a": ("orders", "11")}, 10)
    found.forget("a")
    found.listed({}, 71)
    found.check(71)


def test_an_api_server_that_is_away_is_not_the_watchs_fault() -> None:
    found = pulse()
    for now in range(0, 600, 20):
        found.away(now)
        found.check(now + 1)


def test_a_list_that_is_refused_is_told_after_some_time() -> None:
    found = pulse()
    found.failed("forbidden", 10)
    found.failed("forbidden", 60)
    found.check(70)
    with pytest.raises(Deaf, match="forbidden"):
        found.check(71)
    found.listed({}, 72)
    found.check(73)


def test_a_loop_that_stands_still_is_told() -> None:
    with pytest.raises(Deaf, match="not listed"):
        pulse().check(181)
