"""When schedules run: policies for missed runs, time zones, days on which clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from services.jobs.plan import BadSchedule, plan, resolve

DUE = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
DAILY = "0 2 * * *"


def days(number: float) -> timedelta:
    return timedelta(days=number)


def test_a_new_schedule_has_missed_nothing() -> None:
    planned = plan(DAILY, "UTC", "run_all", None, DUE + days(0.5))
    assert planned.runs == ()
    assert planned.next_run_at == DUE + days(1)


@pytest.mark.parametrize("policy", ["skip", "run_once", "run_all"])
def test_on_time_every_policy_runs_once(policy: str) -> None:
    planned = plan(DAILY, "UTC", policy, DUE, DUE + timedelta(seconds=7))
    assert planned.runs == (DUE,)
    assert planned.next_run_at == DUE + days(1)


@pytest.mark.parametrize(
    ("policy", "runs"),
    [
        ("skip", ()),
        ("run_once", (DUE + days(2),)),
        ("run_all", (DUE, DUE + days(1), DUE + days(2))),
    ],
)
def test_missed_runs(policy: str, runs: tuple[datetime, ...]) -> None:
    planned = plan(DAILY, "UTC", policy, DUE, DUE + days(2.5))
    assert planned.runs == runs
    assert planned.next_run_at == DUE + days(3)


def test_skip_still_runs_what_is_due_now() -> None:
    now = DUE + days(2) + timedelta(seconds=30)
    assert plan(DAILY, "UTC", "skip", DUE, now).runs == (DUE + days(2),)


def test_of_many_missed_runs_the_latest_hundred_are_made_up_for() -> None:
    runs = plan("* * * * *", "UTC", "run_all", DUE, DUE + days(1)).runs
    assert len(runs) == 100
    assert runs[-1] == DUE + days(1)


def test_a_due_time_set_by_hand_between_ticks_runs() -> None:
    by_hand = DUE + timedelta(minutes=17)
    planned = plan(DAILY, "UTC", "run_once", by_hand, by_hand)
    assert planned.runs == (by_hand,)
    assert planned.next_run_at == DUE + days(1)


def walk(cron: str, start: datetime, number: int) -> list[str]:
    """The next times in New York."""
    times = []
    for _ in range(number):
        start = plan(cron, "America/New_York", "run_once", None, start).next_run_at
        times.append(f"{start:%d %H:%M}")
    return times


def test_local_time_keeps_its_hour_when_clocks_go_forward() -> None:
    assert walk("30 3 * * *", datetime(2026, 3, 7, 12, tzinfo=UTC), 2) == ["08 07:30", "09 07:30"]


def test_a_time_that_clocks_skip_runs_an_hour_later() -> None:
    assert walk("30 2 * * *", datetime(2026, 3, 7, 12, tzinfo=UTC), 2) == ["08 07:30", "09 06:30"]


def test_a_time_that_comes_twice_runs_once() -> None:
    assert walk("30 1 * * *", datetime(2026, 10, 31, 12, tzinfo=UTC), 2) == ["01 05:30", "02 06:30"]


def test_each_hour_means_each_hour_when_clocks_go_back() -> None:
    start = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
    assert walk("0 * * * *", start, 4) == ["01 05:00", "01 06:00", "01 07:00", "01 08:00"]


@pytest.mark.parametrize(
    ("cron", "zone"),
    [("x", "UTC"), ("61 * * * *", "UTC"), ("0 0 30 2 *", "UTC"), (DAILY, "Mars"), ("@daily", "UTC"),
     ("* * * * * *", "UTC"), (DAILY, "../etc/passwd"), ("", "UTC")],
)  # fmt: skip
def test_what_cannot_be_read_is_named(cron: str, zone: str) -> None:
    with pytest.raises(BadSchedule, match="cron"):
        plan(cron, zone, "run_once", DUE, DUE)


def test_today_is_the_day_of_the_run_in_its_time_zone() -> None:
    args = {"as_of": "today", "since": "today-7d", "source": "co", "n": 1}
    run = datetime(2026, 5, 1, 2, tzinfo=UTC)
    assert resolve(args, run, "America/Denver") == {
        "as_of": "2026-04-30", "since": "2026-04-23", "source": "co", "n": 1,
    }  # fmt: skip


def test_a_date_that_is_none_is_named() -> None:
    with pytest.raises(BadSchedule, match="today-7x"):
        resolve({"since": "today-7x"}, DUE, "UTC")
