"""The Events that a change of status is told by: pure. No change, no Event: a resync tells nothing.

They are told before the status is written, so that a crash in between loses none. The name of
an Event comes from what it says and the version of the resource that it follows from, so that
a second operator, or the same one after a crash, does not tell it twice.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operators.migrator.job import MANAGER, Owner
from operators.migrator.observed import Decision
from operators.migrator.spec import GROUP, KIND, VERSION
from operators.migrator.status import (
    BY_WISH,
    READY,
    STALLED,
    condition,
    cut_bytes,
    pids,
    ready_reason,
)

NOTE_BYTES = 1024
NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Told:
    """One Event: reason in CamelCase, what was done, a sentence."""

    reason: str
    action: str
    note: str
    warning: bool = False


def between(before: Mapping[str, Any], made: Decision) -> list[Told]:
    """What happened from one status to the next."""
    after = made.status
    return [
        *_ended(made),
        *_started(made),
        *_state(before, after),
        *_blocked(before, after),
        *_drift(before, after),
    ]


def manifest(
    owner: Owner, version: str, told: Told, now: datetime, instance: str
) -> dict[str, Any]:
    """The Event as the API server takes it; `version` is that of the resource as it was seen."""
    inputs = f"{owner.uid}\n{version}\n{told.reason}\n{told.note}"
    digest = hashlib.sha256(inputs.encode()).hexdigest()[:16]
    head = owner.name[:NAME_CHARS].rstrip("-.")
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{head}.{digest}", "namespace": owner.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": f"{GROUP}/migrator",
        "reportingInstance": f"{MANAGER}-{instance}"[:128],
        "action": told.action,
        "reason": told.reason,
        "note": cut_bytes(told.note, NOTE_BYTES),
        "type": "Warning" if told.warning else "Normal",
        "regarding": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "namespace": owner.namespace,
            "name": owner.name,
            "uid": owner.uid,
        },
    }


def _ended(made: Decision) -> Iterator[Told]:
    if made.verdict is None:
        return
    number = made.verdict.attempt
    if made.verdict.files:
        files = ", ".join(made.verdict.files)
        yield Told("MigrationsRun", "Migrate", f"Attempt {number} ran {files}.")
    # where it is not followed at once, the reason of Ready tells of the failure
    if made.verdict.code and made.start:
        note = f"Attempt {number} failed: {made.verdict.message}"
        yield Told("AttemptFailed", "Migrate", note, warning=True)


def _started(made: Decision) -> Iterator[Told]:
    if made.start:
        start = made.start
        to = "the newest version" if start.to is None else f"version {start.to:04d}"
        verb = {"up": "up to", "down": "down to", "plan": "dry run up to"}[start.mode]
        name = made.status["jobName"]
        note = f"Attempt {start.attempt}, {verb} {to}, runs as Job {name}."
        yield Told("AttemptStarted", "Migrate", note)


def _state(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Told]:
    old, new = condition(before, "Ready"), condition(after, "Ready")
    if new is None or new["reason"] == "Progressing":
        return
    failed_again = (
        before.get("failures") != after.get("failures") and new["reason"] not in READY | BY_WISH
    )
    if old and old["reason"] == new["reason"] and not failed_again:
        return
    note = new["message"]
    if blockers := after.get("blockers"):
        note += " Blocked by " + "; ".join(map(_who, blockers)) + "."
    warning = new["reason"] in STALLED or new["reason"] == "Retrying"
    yield Told(new["reason"], "Verify" if new["reason"] in READY else "Migrate", note, warning)


def _blocked(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Told]:
    """A running attempt was seen waiting."""
    blockers = after.get("blockers", ())
    if ready_reason(after) != "Progressing" or not blockers:
        return
    if pids(blockers) != pids(before.get("blockers", ())):
        note = (
            f"Attempt {after['attempt']} waits for a lock held by {'; '.join(map(_who, blockers))}."
        )
        yield Told("Blocked", "Migrate", note, warning=True)


def _drift(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Told]:
    old, new = condition(before, "Drifted"), condition(after, "Drifted")
    was, now = (c is not None and c["status"] == "True" for c in (old, new))
    if now and not was and new:
        yield Told("Drifted", "Compare", new["message"], warning=True)
    elif was and not now:
        yield Told("DriftGone", "Compare", "The catalog is as the last migration left it again.")


def _who(blocker: Mapping[str, Any]) -> str:
    name = blocker.get("application") or blocker.get("user") or "no name"
    return (
        f"pid {blocker.get('pid')} ({name}, {blocker.get('state')} "
        f"for {blocker.get('seconds')} s): {blocker.get('query')}"
    )
