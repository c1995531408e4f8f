"""Values of a source's answer, whatever type they came in. Pure.

Numbers come as text, dates in three spellings, texts padded or missing. What cannot be read is
None, never an error: one odd cell must not cost the row. The shape of a whole answer is another
thing: `rows` and `member` raise BadShape, and the client asks again.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

LONGEST = 300
LONGEST_LINK = 2000
MOST_DOLLARS = 1e11


class BadShape(ValueError):
    """The answer is JSON, but not what the source documents."""


def rows(answer: object) -> list[dict[str, Any]]:
    """A list of objects; what is no object in it is passed over. Raises BadShape."""
    if not isinstance(answer, list):
        raise BadShape("sent no list")
    return [row for row in answer if isinstance(row, dict)]


def member(answer: object, *path: str) -> Any:
    """A value within objects. Raises BadShape where one on the way is missing or no object."""
    for name in path:
        if not isinstance(answer, dict) or name not in answer:
            raise BadShape(f'sent no "{name}"')
        answer = answer[name]
    return answer


def text(row: Mapping[str, Any], name: str) -> str | None:
    """A cell as text without padding, at most 300 characters; numbers as they are written."""
    return plain(row.get(name))


def plain(value: object) -> str | None:
    """`text` of a value that stands alone."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).replace("\0", " ").split())[:LONGEST].strip() or None


def link(row: Mapping[str, Any], name: str) -> str | None:
    """An address of the web; anything else (javascript: and such) must not become a link."""
    value = row.get(name)
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return None
    return value if value.isprintable() and len(value) <= LONGEST_LINK else None


def dollars(value: object) -> float | None:
    """An amount above nothing, from a number or a text with or without signs."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = float(str(value).replace(",", "").replace("$", ""))
    except ValueError:
        return None
    return round(amount, 2) if 0.005 <= amount < MOST_DOLLARS else None


def day(value: object) -> date | None:
    """2026-03-23, 2026-03-23T14:30:55.000 and 03/23/2026."""
    if not isinstance(value, str):
        return None
    head = value.strip()[:10]
    try:
        if head[2:3] == "/":
            return datetime.strptime(head, "%m/%d/%Y").replace(tzinfo=UTC).date()
        return date.fromisoformat(head)
    except ValueError:
        return None


def day_of_ms(value: object) -> date | None:
    """The day of a time in milliseconds since 1970, UTC."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def iso(value: date | None) -> str | None:
    """A date for evidence."""
    return value.isoformat() if value else None
