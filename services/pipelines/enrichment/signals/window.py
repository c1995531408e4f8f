"""How far back a source is asked. Pure.

A window begins on the first of a month, so that the question stays the same for a month: within
a day it is answered from Redis, later by "not modified".
"""

from calendar import monthrange
from datetime import UTC, date, datetime


def today() -> date:
    """The date, UTC."""
    return datetime.now(UTC).date()


def since(day: date, months: int) -> date:
    """The first of the month that many months before `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, 1)


def month_end(day: date) -> date:
    """The last day of its month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
