"""Rows out of a body that is no JSON as a whole: good ones are kept, bad ones shown verbatim."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.pipelines.ingestion.records import Rejected

_decoder = json.JSONDecoder()
_gap = re.compile(r"[\s,]*")
_next_row = re.compile(r",\s*(?=\{)")


@dataclass(slots=True)
class Salvaged:
    """What a body held; `cut` says that it ends in the middle, so that rows may be missing."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    cut: bool = False


def split_rows(dataset: str, rows: list[Any]) -> Salvaged:
    """Rows of a body that is JSON: what is no object is rejected."""
    found = Salvaged()
    for at, row in enumerate(rows):
        if isinstance(row, dict):
            found.rows.append(row)
        else:
            verbatim = orjson.dumps(row).decode()
            found.rejected.append(Rejected(dataset, str(at), verbatim, "a row is not an object"))
    return found


def salvage(dataset: str, body: bytes) -> Salvaged:
    """Rows of a body that is not JSON; `cut` also where it is no array at all."""
    text = body.decode("utf-8", "surrogateescape").strip()
    found = Salvaged(cut=True)
    at = 1 if text.startswith("[") else len(text)
    while (at := _skip(text, at)) < len(text):
        if text[at] == "]":
            found.cut = False
            break
        after = _one(dataset, text, at, found)
        if after is None:
            break
        at = after
    return found


def _skip(text: str, at: int) -> int:
    match = _gap.match(text, at)
    return match.end() if match else at


def _one(dataset: str, text: str, at: int, found: Salvaged) -> int | None:
    """Take the row at `at`; gives where the next begins, None at a row that is cut off."""
    try:
        stop = _decoder.raw_decode(text, at)[1]
        row = orjson.loads(text[at:stop])
    except (ValueError, UnicodeEncodeError, RecursionError) as exc:
        end = _end_of_bad(text, at)
        if end is not None:
            _reject(dataset, text[at:end].rstrip(", \r\n\t"), f"not JSON: {exc}", found)
        return end
    if isinstance(row, dict):
        found.rows.append(row)
    else:
        _reject(dataset, text[at:stop], "a row is not an object", found)
    return stop


def _end_of_bad(text: str, at: int) -> int | None:
    """Where the next row begins, or the bracket that closes the array stands."""
    if match := _next_row.search(text, at):
        return match.end()
    return len(text) - 1 if text.endswith("]") and len(text) - 1 > at else None


def _reject(dataset: str, row: str, reason: str, found: Salvaged) -> None:
    key = str(len(found.rows) + len(found.rejected))
    verbatim = row.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    found.rejected.append(Rejected(dataset, key, verbatim.replace("\0", "\\x00"), reason[:300]))
