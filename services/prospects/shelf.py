"""Prospects that were shown lately, at hand in this process.

A copy is shown again only where the database says, on each request, that its tag is still right:
nothing here is ever stale. What it saves is making and moving the body.
"""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

_AROUND = 400  # bytes that an entry takes beside its body


@dataclass(frozen=True, slots=True)
class Shown:
    """JSON of a prospect and its entity tag; no body where the caller has it already."""

    tag: str
    body: bytes | None


class Shelf:
    """The bodies used last, `most` bytes of them in all."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[UUID, Shown] = OrderedDict()

    def get(self, prospect_id: UUID) -> Shown | None:
        """The copy, if there is one."""
        shown = self._kept.get(prospect_id)
        if shown is not None:
            self._kept.move_to_end(prospect_id)
        return shown

    def put(self, prospect_id: UUID, shown: Shown) -> None:
        """Keep a copy; those that were not used for longest make room."""
        self.drop(prospect_id)
        self._kept[prospect_id] = shown
        self._bytes += _size(shown)
        while self._bytes > self._most:
            self.drop(next(iter(self._kept)))

    def drop(self, prospect_id: UUID) -> None:
        """Forget a copy."""
        shown = self._kept.pop(prospect_id, None)
        if shown is not None:
            self._bytes -= _size(shown)


def _size(shown: Shown) -> int:
    return len(shown.body or b"") + _AROUND
