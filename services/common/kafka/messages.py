"""Bytes of messages: permits out, changes in."""

from typing import Any

import orjson

from services.common.errors import AppError


class PoisonMessage(AppError):
    """The message is not a JSON object and is skipped: repeating it will not help."""

    code = "poison_message"


def encode_permit(queue: str) -> bytes:
    """A permit says only that `queue` has work."""
    return orjson.dumps({"queue": queue})


def decode(value: bytes | None) -> dict[str, Any]:
    """The JSON object in a message. Raises PoisonMessage."""
    try:
        message = orjson.loads(value or b"")
    except orjson.JSONDecodeError as exc:
        raise PoisonMessage(f"The message is not JSON: {exc}") from exc
    if not isinstance(message, dict):
        raise PoisonMessage(f"The message is a JSON {type(message).__name__}, not an object")
    return message
