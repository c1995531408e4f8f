"""When a schedule runs: pure functions of cron line, time zone, missed-run policy and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import croniter
from croniter.croniter import CroniterError

from services.common.errors import AppError

GRACE = timedelta(seconds=60)
MOST_MISSED = 100


class BadSchedule(AppError, status=400):
    """The schedule cannot be read: correct its cron line, time zone or arguments."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs to start now, by the time they were due, and when to look again. All UTC.

    `skipped` are those that were missed and will not be made up for.
    """

    runs: tuple[datetime, ...]
    next_run_at: datetime
    skipped: tuple[datetime, ...] = ()


def plan(cron: str, zone_name: str, policy: str, due: datetime | None, now: datetime) -> Plan:
    """What to start at `now` of a schedule that was `due`; None: it is new, nothing is missed.

    `skip` runs only what was due within the last minute, `run_once` the latest of all that was
    missed, `run_all` each (the latest hundred). Raises BadSchedule.
    """
    try:
        zone = ZoneInfo(zone_name)
        following = _next(cron, zone, now)
        missed = [] if due is None else _missed(cron, zone, due, now)
    except (CroniterError, ZoneInfoNotFoundError, ValueError) as exc:
        raise BadSchedule(f"cron {cron!r} in {zone_name!r}: {exc}") from exc
    match policy:
        case "skip":
            runs = [run for run in missed[-1:] if due_in_time(run, now)]
        case "run_all":
            runs = missed
        case _:
            runs = missed[-1:]
    skipped = tuple(run for run in missed if run not in runs)
    return Plan(tuple(runs), following, skipped)


def due_in_time(run: datetime, now: datetime) -> bool:
    """Whether a run that begins at `now` was not missed."""
    return now - run <= GRACE


def resolve(args: Mapping[str, Any], run: datetime, zone_name: str) -> dict[str, Any]:
    """Arguments of one run: "today" and "today-7d" become dates in the schedule's time zone."""
    today = run.astimezone(ZoneInfo(zone_name)).date()
    return {name: _date(value, today) for name, value in args.items()}


def _date(value: Any, today: date) -> Any:
    if not isinstance(value, str) or not value.startswith("today"):
        return value
    shift = value.removeprefix("today")
    try:
        days = int(shift.removesuffix("d")) if shift else 0
    except ValueError as exc:
        raise BadSchedule(f"{value!r} is neither `today` nor like `today-7d`") from exc
    return (today + timedelta(days=days)).isoformat()


def _next(cron: str, zone: tzinfo, after: datetime) -> datetime:
    clock, zone = _clock(cron, zone, after)
    while True:
        if (found := _utc(clock.get_next(datetime), zone)) > after:
            return found


def _missed(cron: str, zone: tzinfo, due: datetime, now: datetime) -> list[datetime]:
    """Times from `due` to `now`, the latest hundred, oldest first."""
    clock, zone = _clock(cron, zone, now + timedelta(microseconds=1))
    times: list[datetime] = []
    while len(times) < MOST_MISSED and (found := _utc(clock.get_prev(datetime), zone)) >= due:
        times.append(found)
    return times[::-1] or [due]


def _clock(cron: str, zone: tzinfo, start: datetime) -> tuple[croniter, tzinfo]:
    """Iterates local times without zone, as cron does on a day when clocks change.

    A fixed hour runs once that day (a time that is skipped: an hour later); with `*` for the
    hour, real time counts, so that no hour is left out.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError("five fields are needed: minute hour day month weekday")
    local = start.astimezone(zone)
    if fields[1] == "*":
        zone = timezone(local.utcoffset() or timedelta())
    return croniter(cron, local.replace(tzinfo=None)), zone


def _utc(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
