"""Messages of change topics as they come, also those that nobody should have sent."""

import pytest

from services.common.kafka.messages import PoisonMessage, decode, encode_permit


def test_an_object_is_decoded() -> None:
    assert decode(b'{"prospect_ids": ["a"]}') == {"prospect_ids": ["a"]}


@pytest.mark.parametrize("value", [None, b"", b"{", b"[1]", b"1", b"null", b"\xff\xfe"])
def test_anything_else_is_poison(value: bytes | None) -> None:
    with pytest.raises(PoisonMessage):
        decode(value)


def test_a_permit_names_its_queue() -> None:
    assert decode(encode_permit("scoring")) == {"queue": "scoring"}
