"""Cursors: where a walk through a list stands, signed, so that no caller can make one up.

A cursor holds the sort key and id of the last prospect shown, and the total as of the first page.
It is good for one set of filters and one order only. Pure.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from uuid import UUID

import orjson

from services.common.errors import ValidationFailed
from services.prospects.filters import ListQuery

_MAC_BYTES = 16
_NOT_OF_THE_LIST = {"page", "limit", "cursor"}


@dataclass(frozen=True, slots=True)
class Position:
    """After which prospect to go on: its sort key as PostgreSQL writes it, and its id."""

    key: str
    id: UUID
    total: int
    is_estimate: bool


class Cursors:
    """Writes and reads cursors under a key derived from `secret`."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"ucc-intel prospects cursor", "sha256")

    def write(self, query: ListQuery, position: Position) -> str:
        """The cursor of `position` in the list of `query`."""
        fields = [position.key, str(position.id), position.total, position.is_estimate]
        data = orjson.dumps([_list_of(query), *fields])
        return urlsafe_b64encode(self._mac(data) + data).decode().rstrip("=")

    def read(self, query: ListQuery, cursor: str) -> Position:
        """The position in `cursor`. Raises ValidationFailed: not ours, or of another list."""
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raw = b""
        data = raw[_MAC_BYTES:]
        if not hmac.compare_digest(raw[:_MAC_BYTES], self._mac(data)):
            raise _refused("This is no cursor of this service: start again without one")
        written_for, key, found, total, is_estimate = orjson.loads(data)
        if written_for != _list_of(query):
            raise _refused(
                "This cursor belongs to other filters or another order: "
                "repeat those, or start again without a cursor"
            )
        return Position(key, UUID(found), total, is_estimate)

    def _mac(self, data: bytes) -> bytes:
        return hmac.digest(self._key, data, "sha256")[:_MAC_BYTES]


def _list_of(query: ListQuery) -> str:
    """What tells one list from another: its filters and its order."""
    chosen = query.model_dump(mode="json", exclude=_NOT_OF_THE_LIST, exclude_none=True)
    return hashlib.blake2b(
        orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS), digest_size=8
    ).hexdigest()


def _refused(detail: str) -> ValidationFailed:
    return ValidationFailed(detail, errors=[{"pointer": "/query/cursor", "detail": detail}])
