"""What the status of a SchemaMigration says: reasons, conditions, patches. Pure.

Conditions follow kstatus, so that `kubectl wait` and Argo CD understand them unaided: Ready is
always there, Reconciling and Stalled are True while they hold and else absent.
"""

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MESSAGE_CHARS = 4000
_ORDER = ("Ready", "Reconciling", "Stalled", "Linted", "Drifted")


class Reason(StrEnum):
    """The closed list of reasons of Ready; operators/README.md has the remedy of each."""

    # Ready
    APPLIED = "Applied"
    AHEAD = "Ahead"
    # working on it, needs no person yet
    PROGRESSING = "Progressing"
    RETRYING = "Retrying"
    WAITING_FOR_DATABASE = "WaitingForDatabase"
    WAITING_FOR_LOCK = "WaitingForLock"
    WAITING_FOR_CODE = "WaitingForCode"
    WAITING_FOR_SLOT = "WaitingForSlot"
    SECRET_NOT_FOUND = "SecretNotFound"
    SOURCE_NOT_FOUND = "SourceNotFound"
    # not ready by wish
    SUSPENDED = "Suspended"
    DRY_RUN = "DryRun"
    # a person has to act
    STATEMENT_FAILED = "StatementFailed"
    LOCK_TIMEOUT = "LockTimeout"
    STATEMENT_TIMEOUT = "StatementTimeout"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    IN_DOUBT = "InDoubt"
    LINT_FAILED = "LintFailed"
    DESTRUCTIVE_NOT_ALLOWED = "DestructiveNotAllowed"
    SOURCE_INVALID = "SourceInvalid"
    TARGET_UNKNOWN = "TargetUnknown"
    DIRECT_URL_REQUIRED = "DirectUrlRequired"
    NOT_PERMITTED = "NotPermitted"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    CONNECTION_LOST = "ConnectionLost"
    JOB_LOST = "JobLost"
    INTERNAL_ERROR = "InternalError"


class Finding(StrEnum):
    """Reasons of the conditions Linted and Drifted."""

    LINT_PASSED = "LintPassed"
    LINT_FAILED = "LintFailed"
    CATALOG_MATCHES = "CatalogMatches"
    CATALOG_DIFFERS = "CatalogDiffers"


READY = frozenset({Reason.APPLIED, Reason.AHEAD})
WORKING = frozenset(
    {
        Reason.PROGRESSING,
        Reason.RETRYING,
        Reason.WAITING_FOR_DATABASE,
        Reason.WAITING_FOR_LOCK,
        Reason.WAITING_FOR_CODE,
        Reason.WAITING_FOR_SLOT,
        Reason.SECRET_NOT_FOUND,
        Reason.SOURCE_NOT_FOUND,
    }
)
BY_WISH = frozenset({Reason.SUSPENDED, Reason.DRY_RUN})
STALLED = frozenset(Reason) - READY - WORKING - BY_WISH

# codes of the runner's report, and of what the migrator finds by itself
REASON_OF: Mapping[str, Reason] = {
    "source_invalid": Reason.SOURCE_INVALID,
    "target_unknown": Reason.TARGET_UNKNOWN,
    "checksum_mismatch": Reason.CHECKSUM_MISMATCH,
    "in_doubt": Reason.IN_DOUBT,
    "lint_failed": Reason.LINT_FAILED,
    "destructive": Reason.DESTRUCTIVE_NOT_ALLOWED,
    "pooler": Reason.DIRECT_URL_REQUIRED,
    "database_unreachable": Reason.WAITING_FOR_DATABASE,
    "not_permitted": Reason.NOT_PERMITTED,
    "locked_out": Reason.WAITING_FOR_LOCK,
    "lock_timeout": Reason.LOCK_TIMEOUT,
    "statement_failed": Reason.STATEMENT_FAILED,
    "name_taken": Reason.STATEMENT_FAILED,
    "statement_timeout": Reason.STATEMENT_TIMEOUT,
    "connection_lost": Reason.CONNECTION_LOST,
    "stopped": Reason.JOB_LOST,
    "job_lost": Reason.JOB_LOST,
    "deadline_exceeded": Reason.DEADLINE_EXCEEDED,
    "image_unavailable": Reason.IMAGE_UNAVAILABLE,
    "secret_missing": Reason.SECRET_NOT_FOUND,
    "source_missing": Reason.SOURCE_NOT_FOUND,
    "internal": Reason.INTERNAL_ERROR,
}
FINAL = frozenset(
    {
        "source_invalid",
        "target_unknown",
        "checksum_mismatch",
        "in_doubt",
        "lint_failed",
        "destructive",
        "pooler",
    }
)
"""Codes that the same attempt would only meet again."""
UNCOUNTED = frozenset({"database_unreachable", "locked_out", "secret_missing", "source_missing"})
"""Codes that are waited for as long as it takes."""


def reason_of(code: str) -> Reason:
    """The reason for a code; one that a newer runner invented is told as InternalError."""
    return REASON_OF.get(code, Reason.INTERNAL_ERROR)


def stamp(moment: datetime) -> str:
    """A moment as Kubernetes writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str | None) -> datetime | None:
    """The moment in a stamp."""
    return datetime.fromisoformat(text) if text else None


def cut(text: str, most: int = MESSAGE_CHARS) -> str:
    """`text`, ended by an ellipsis where it is longer than `most`."""
    return text if len(text) <= most else text[: most - 1] + "…"


def cut_bytes(text: str, most: int) -> str:
    """The same by bytes: that is how the API server measures an Event's note."""
    raw = text.encode()
    ending = "…".encode()
    if len(raw) <= most:
        return text
    return (raw[: most - len(ending)] + ending).decode(errors="ignore")


def settle(
    status: Mapping[str, Any], reason: Reason, message: str, generation: int, now: datetime
) -> dict[str, Any]:
    """`status` with Ready, Reconciling and Stalled as `reason` has them."""
    made = dict(status)
    made["observedGeneration"] = generation
    for kind, holds in (
        ("Ready", reason in READY),
        ("Reconciling", reason in WORKING),
        ("Stalled", reason in STALLED),
    ):
        if kind == "Ready" or holds:
            made = with_condition(made, kind, holds, reason, message, generation, now)
        else:
            made = without_condition(made, kind)
    return made


def with_condition(
    status: Mapping[str, Any],
    kind: str,
    holds: bool,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> dict[str, Any]:
    """`status` with one condition set; lastTransitionTime moves only when its status changes."""
    state = "True" if holds else "False"
    before = condition(status, kind)
    made = {
        "type": kind,
        "status": state,
        "reason": str(reason),
        "message": cut(message),
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"]
        if before and before["status"] == state
        else stamp(now),
    }
    others = [c for c in status.get("conditions", []) if c["type"] != kind]
    return {**status, "conditions": sorted([*others, made], key=_place)}


def without_condition(status: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """`status` without a condition."""
    kept = [c for c in status.get("conditions", []) if c["type"] != kind]
    return {**status, "conditions": kept}


def condition(status: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """One condition, or None."""
    return next((c for c in status.get("conditions", []) if c["type"] == kind), None)


def ready_reason(status: Mapping[str, Any]) -> str | None:
    """The reason of Ready."""
    found = condition(status, "Ready")
    return found["reason"] if found else None


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) from one to the other; empty where nothing changed.

    Lists go whole, as a merge patch replaces them; None in `after` means absent.
    """
    patch: dict[str, Any] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            if inner := merge_patch(old, new):
                patch[key] = inner
        elif old != new:
            patch[key] = copy.deepcopy(new)
    return patch


def pids(blockers: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Which sessions they are."""
    return sorted(b["pid"] for b in blockers)


def drop(status: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """`status` without some fields."""
    gone = set(names)
    return {k: v for k, v in status.items() if k not in gone}


def _place(made: Mapping[str, Any]) -> tuple[int, str]:
    kind = made["type"]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), kind)
