"""How the command line shows rows."""

from collections.abc import Sequence
from datetime import UTC, datetime


def moment(at: datetime | None) -> str:
    """A time in UTC to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else "-"


def table(rows: Sequence[tuple[object, ...]]) -> str:
    """Columns side by side."""
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
