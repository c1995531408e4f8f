"""Field types of requests that take no more and no less than JSON Schema says of them.

pydantic takes a number in quotes for seconds since 1970, and refuses the integer 5.0.
"""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T.*")


def _day(value: object) -> object:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as exc:
        raise ValueError(f"must be a date: {exc}") from exc
    if isinstance(value, date):
        return value
    raise ValueError("must be a date, for instance 2026-09-01")


def _moment(value: object) -> object:
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value.upper()):
            return datetime.fromisoformat(value.upper())
    except ValueError as exc:
        raise ValueError(f"must be a date-time: {exc}") from exc
    if isinstance(value, datetime):
        return value
    raise ValueError("must be a date-time with its offset, for instance 2026-09-01T12:00:00Z")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Day = Annotated[date, BeforeValidator(_day)]
"""A day as ISO 8601 writes it."""

Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time with its offset as RFC 3339 writes it."""

WHOLE = BeforeValidator(_whole)
"""Of a whole number, whether or not its writer put `.0` behind it; stands behind the bounds."""
