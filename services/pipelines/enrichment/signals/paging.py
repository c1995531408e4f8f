"""Page after page of one answer, with an end whatever the source says."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.common.errors import SourceUnavailable

Row = dict[str, Any]
Page = tuple[list[Row], bool]
"""Rows, and whether the source says that more follow."""


async def all_pages(fetch: Callable[[int], Awaitable[Page]], most: int) -> list[Row]:
    """The rows of pages 0, 1, 2, ...: at most `most` pages, the source's first ones.

    Raises SourceUnavailable where a page comes twice: such an answer has no end, and a part of it
    must not pass for all of it.
    """
    found: list[Row] = []
    last: list[Row] = []
    for number in range(most):
        rows, more = await fetch(number)
        if rows and rows == last:
            raise SourceUnavailable(f"Page {number + 1} repeats the page before: it has no end.")
        found += rows
        if not more or not rows:
            break
        last = rows
    return found
