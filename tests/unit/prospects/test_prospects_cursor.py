"""Cursors: what is written comes back, and nothing else is taken."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest

from services.common.errors import ValidationFailed
from services.prospects.cursor import Cursors, Position
from services.prospects.filters import ListQuery

CURSORS = Cursors("a secret of enough characters")
POSITION = Position("Blue Café, LLC", UUID(int=7), 1234, False)
QUERY = ListQuery(state="CO", min_score=50)


def test_what_was_written_is_read() -> None:
    assert CURSORS.read(QUERY, CURSORS.write(QUERY, POSITION)) == POSITION


def test_page_size_is_free_to_change() -> None:
    other = QUERY.model_copy(update={"limit": 100, "cursor": "x"})
    assert CURSORS.read(other, CURSORS.write(QUERY, POSITION)) == POSITION


@pytest.mark.parametrize(
    "change",
    [{"state": "CT"}, {"min_score": None}, {"sort_by": "created_at"}, {"sort_order": "asc"}],
)
def test_another_list_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationFailed, match="other filters or another order"):
        CURSORS.read(QUERY.model_copy(update=change), CURSORS.write(QUERY, POSITION))


def test_every_changed_byte_is_noticed() -> None:
    written = CURSORS.write(QUERY, POSITION)
    raw = urlsafe_b64decode(written + "=" * (-len(written) % 4))
    for place in range(len(raw)):
        forged = bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]])
        with pytest.raises(ValidationFailed, match="no cursor"):
            CURSORS.read(QUERY, urlsafe_b64encode(forged).decode())


@pytest.mark.parametrize("text", ["", "a", "é", "====", "AAAA" * 100])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        CURSORS.read(QUERY, text)
    assert caught.value.errors[0]["pointer"] == "/query/cursor"


def test_another_secret_reads_nothing() -> None:
    with pytest.raises(ValidationFailed):
        Cursors("another secret altogether").read(QUERY, CURSORS.write(QUERY, POSITION))
