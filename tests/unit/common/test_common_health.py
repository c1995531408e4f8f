"""A report sums up its checks; a check that hangs or breaks is a failed check."""

import asyncio

import pytest

from services.common import health
from services.common.errors import Unavailable
from services.common.health import Health


async def fine() -> None:
    pass


async def test_all_checks_pass() -> None:
    report = await Health("things").report({"a": fine, "b": fine})
    assert report.status == "ok"
    assert report.checks is not None
    assert {name: check.status for name, check in report.checks.items()} == {"a": "ok", "b": "ok"}


async def test_one_failed_check_fails_the_whole_and_says_why() -> None:
    async def away() -> None:
        raise Unavailable("The database cannot be reached")

    report = await Health("things").report({"a": fine, "db": away})
    assert report.status == "unavailable"
    assert report.checks is not None
    assert report.checks["db"].error == "The database cannot be reached"


async def test_an_exception_nobody_foresaw_is_not_shown_in_full() -> None:
    async def broken() -> None:
        raise RuntimeError("password hunter2")

    report = await Health("things").report({"a": broken})
    assert report.checks is not None
    assert report.checks["a"].error == "RuntimeError"


async def test_a_check_that_hangs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "CHECK_S", 0.01)
    report = await Health("things").report({"a": lambda: asyncio.sleep(5)})
    assert report.status == "unavailable"


async def test_draining_is_told() -> None:
    state = Health("things")
    state.draining = True
    assert (await state.report({"a": fine})).status == "draining"
