"""What a run says of itself to a machine: one small JSON object in a file (`--report`).

The operator reads it as the termination message of a Job's pod, which holds 4096 bytes. The
runner fills a Journal while it works; cli builds the report from it, whatever happened.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from migrations.errors import DatabaseAhead, MigrationRefused, Stopped
from migrations.session import Backend
from services.common import logs
from services.common.errors import AppError

Outcome = Literal["applied", "ahead", "waiting", "refused", "failed", "stopped"]
CODES = (
    *("source_invalid", "target_unknown", "checksum_mismatch", "in_doubt", "lint_failed"),
    *("destructive", "pooler", "database_unreachable", "not_permitted", "locked_out"),
    *("lock_timeout", "statement_failed", "statement_timeout", "connection_lost", "stopped"),
    "internal",
)
MOST_BYTES = 4000
_KEPT = 3
_AS = {"name_taken": "statement_failed"}
_CUTS = {"message": 1000, "error": 800, "statement": 800, "query": 200, "reason": 200}


@dataclass(frozen=True, slots=True)
class Ran:
    """A file this run ran, with the milliseconds it took."""

    version: int
    name: str
    ms: int


@dataclass(slots=True)
class Journal:
    """What a run knows so far; `version` is that of the database, None before it was read."""

    target: int | None = None
    checksum: str | None = None
    version: int | None = None
    applied: list[Ran] = field(default_factory=list)
    waiting: dict[str, str] | None = None
    held: list[str] = field(default_factory=list)
    lint: dict[str, Any] | None = None
    fingerprint: str | None = None
    plan: dict[str, Any] | None = None


def build(journal: Journal, error: BaseException | None) -> dict[str, Any]:
    """The report of a run that ended with `error`, or without one."""
    extra = error.extra if isinstance(error, AppError) else {}
    found = {
        "outcome": _outcome(journal, error),
        "code": code_of(error),
        "retryable": _retryable(error),
        "message": message(journal) if error is None else _why(error),
        **asdict(journal),
        **{name: extra.get(name) for name in ("file", "line", "statement", "sqlstate", "error")},
        "blockers": [_shown(b) for b in _blockers(extra)],
    }
    del found["plan"], found["held"]  # the one is printed, the other told in the message
    return {key: value for key, value in found.items() if value not in (None, [])} | {
        "code": found["code"]
    }


def code_of(error: BaseException | None) -> str | None:
    """One of CODES; None for what is an answer and no failure."""
    if error is None or isinstance(error, DatabaseAhead):
        return None
    if _stopped(error):
        return "stopped"
    code = error.code if isinstance(error, AppError) else "internal"
    code = _AS.get(code, code)
    return code if code in CODES else "internal"


def text(report: dict[str, Any]) -> str:
    """The report as JSON of at most MOST_BYTES in UTF-8.

    What is longest is cut: strings end in an ellipsis, lists lose items and `more` counts them.
    """
    cut: dict[str, Any] = json.loads(json.dumps(report))
    for holder, key in [*_strings(cut)]:
        holder[key] = _ended(logs.redact(holder[key]), _CUTS.get(key, 400))
    while len(written := _json(cut).encode()) > MOST_BYTES:
        _shorten(cut)
    return written.decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write(path: Path, report: dict[str, Any]) -> None:
    """Write the report whole or not at all, where the folder lets us; raises OSError."""
    written = text(report)
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(written, encoding="utf-8")
        beside.replace(path)
    except OSError:  # a termination log is a mounted file: it can only be written in place
        with suppress(OSError):
            beside.unlink()
        path.write_text(written, encoding="utf-8")


def _outcome(journal: Journal, error: BaseException | None) -> Outcome:
    if error is None:
        return "waiting" if journal.waiting else "applied"
    if isinstance(error, DatabaseAhead):
        return "ahead"
    if _stopped(error):
        return "stopped"
    return "refused" if isinstance(error, MigrationRefused) else "failed"


def _stopped(error: BaseException) -> bool:
    return isinstance(error, (Stopped, asyncio.CancelledError, KeyboardInterrupt))


def _retryable(error: BaseException | None) -> bool:
    code = code_of(error)
    if isinstance(error, AppError) and code != "internal":
        return error.retryable
    return code is not None


def message(journal: Journal) -> str:
    """Where a run that did not fail left the schema."""
    if journal.plan is not None:
        return f"the dry run went through; the schema is still at {journal.version or 0:04d}"
    if journal.waiting:
        return (
            f"{journal.waiting['file']} waits until every process runs release "
            f"{journal.waiting['min_app_version']} or newer; "
            f"the schema is at {journal.version or 0:04d}{_held(journal)}"
        )
    return f"the schema is at {journal.version or 0:04d}"


def _held(journal: Journal) -> str:
    """How a release that skipped one can be stuck, and the way out."""
    if not journal.held or not journal.waiting:
        return ""
    least = journal.waiting["min_app_version"]
    return (
        f". {journal.held[0]} comes after it: if pods of a release above {least} wait for that, "
        f"deploy {least} first"
    )


def _why(error: BaseException) -> str:
    if isinstance(error, AppError):
        return error.detail
    if _stopped(error):
        return Stopped.message()
    return f"This is a fault of the runner ({type(error).__name__}: {error}); its log says where."


def _blockers(extra: dict[str, object]) -> list[Backend]:
    found = extra.get("blockers")
    return [b for b in found if isinstance(b, Backend)] if isinstance(found, list) else []


def _shown(backend: Backend) -> dict[str, Any]:
    return {
        "pid": backend.pid,
        "user": backend.usename,
        "application": backend.application_name,
        "state": backend.state,
        "seconds": round(backend.seconds or 0),
        "query": " ".join((backend.query or "").split()),
    }


def _strings(node: Any) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of every string inside."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, str):
            yield node, key
        elif isinstance(value, (dict, list)):
            yield from _strings(value)


def _ended(value: str, most: int) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}…"


def _shorten(cut: dict[str, Any]) -> None:
    """Take an item of a list, or a fifth of the longest string.

    What was done counts more than remarks: those go first, but for the three gravest.
    """
    lists = {"findings": (cut.get("lint") or {}).get("findings", [])}
    lists |= {name: cut.get(name, []) for name in ("blockers", "applied")}
    long = [name for name in ("findings", "blockers") if len(lists[name]) > _KEPT]
    name = long[0] if long else max(lists, key=lambda name: len(lists[name]))
    if len(lists[name]) > 1:
        lists[name].pop(0 if name == "applied" else -1)
        more = cut.setdefault("more", {})
        more[name] = more.get(name, 0) + 1
        return
    holder, key = max(_strings(cut), key=lambda place: len(place[0][place[1]]))
    holder[key] = _ended(holder[key], len(holder[key]) * 4 // 5)
