"""What a Job and its pods say about the attempt they are: pure.

The runner writes its report as the container's termination message. Where there is none (the
pod was evicted, killed or deleted), the cause is told instead and the database has to be asked.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from operators.migrator.job import CONTAINER
from operators.migrator.spec import GROUP
from operators.migrator.status import moment

Json = Mapping[str, Any]
HOPELESS = frozenset({"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError"})
"""Waiting reasons of a container that no patience changes."""
DEADLINE = "DeadlineExceeded"
"""What a Job that ran longer than its activeDeadlineSeconds says."""
REFUSED = "FailedCreate"
"""The Job controller's word for a pod that it may not make."""
UNMADE, UNSTARTED = "NoPod", frozenset({"StartError", "ContainerCannotRun"})
_PULLING = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One Job. `trouble` is why its pod does not start, `cause` why it left no report; `placed`
    is when the pod got a node.
    """

    name: str
    number: int
    generation: int
    mode: str
    round: str
    created: datetime
    placed: datetime | None
    phase: Literal["pending", "running", "ended"]
    trouble: str | None = None
    detail: str | None = None
    cause: str | None = None
    report: Json | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    pod: str | None = None
    deleting: bool = False


def read(job: Json, pods: Sequence[Json]) -> Attempt:
    """The attempt that a Job and its pods are."""
    meta = job["metadata"]
    notes = meta.get("annotations") or {}
    pod = max(pods, key=lambda p: p["metadata"]["creationTimestamp"], default=None)
    ended, cause = _ending(job, pod)
    report, over = _report(pod)
    if report and report["outcome"] == "stopped":
        # by whom the Job says: its deadline, or somebody who deleted the pod
        over = None
        report = None if cause == DEADLINE else report
    phase: Literal["pending", "running", "ended"] = "pending"
    if ended or over:
        phase = "ended"
    elif report or (pod is not None and _state(pod, "running") is not None):
        phase = "running"
    trouble, detail = (None, None) if phase != "pending" else _trouble(pod)
    if cause in UNSTARTED and pod:
        detail = (_state(pod, "terminated") or {}).get("message")
    return Attempt(
        name=meta["name"],
        number=_number(notes.get(f"{GROUP}/attempt")),
        generation=_number(notes.get(f"{GROUP}/generation")),
        mode=notes.get(f"{GROUP}/mode", "up"),
        round=notes.get(f"{GROUP}/round", ""),
        created=moment(meta["creationTimestamp"]) or datetime.now(UTC),
        placed=moment(pod.get("status", {}).get("startTime")) if pod else None,
        phase=phase,
        trouble=trouble,
        detail=detail,
        cause=cause,
        report=report,
        ended=over or ended,
        exit_code=(_state(pod, "terminated") or {}).get("exitCode") if pod else None,
        pod=pod["metadata"]["name"] if pod else None,
        deleting=bool(meta.get("deletionTimestamp")),
    )


def read_all(jobs: Iterable[Json], pods: Sequence[Json]) -> tuple[Attempt, ...]:
    """Every attempt, each with its own pods, oldest first."""
    made = [read(job, [p for p in pods if _owned(p, job["metadata"]["uid"])]) for job in jobs]
    return tuple(sorted(made, key=lambda a: (a.created, a.number)))


def with_refusal(attempt: Attempt, told: Sequence[Json]) -> Attempt:
    """`attempt` with the newest of the Events by which its pod was refused."""
    if not told:
        return attempt
    newest = max(told, key=_last_told)
    # each try names another pod, which would make each another message
    note = re.sub(r'pods "[^"]*"', "its pod", newest.get("note", ""))
    return replace(attempt, trouble=REFUSED, detail=note)


def _last_told(event: Json) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("deprecatedLastTimestamp"))
    return max(filter(None, (*times, event.get("eventTime"))), default="")


def is_hopeless(attempt: Attempt, now: datetime, grace_s: float) -> bool:
    """Whether the pod will not start however long one waits."""
    if attempt.trouble in HOPELESS:
        return True
    waited = (now - (attempt.placed or attempt.created)).total_seconds()
    return attempt.trouble in _PULLING and waited >= grace_s


def _ending(job: Json, pod: Json | None) -> tuple[datetime | None, str | None]:
    """When and why the Job is over by its own conditions; the pod knows more of the why."""
    for found in job.get("status", {}).get("conditions", []):
        if found["type"] in ("Complete", "Failed") and found["status"] == "True":
            when = moment(found.get("lastTransitionTime"))
            why = None if found["type"] == "Complete" else found.get("reason", "Failed")
            if why == DEADLINE:
                never = pod is None and not job["status"].get("failed")
                return when, UNMADE if never else why
            return when, _death(pod) or (None if why is None else _gone(pod, why))
    return None, None


def _gone(pod: Json | None, why: str) -> str:
    return "PodDeleted" if pod is None or pod["metadata"].get("deletionTimestamp") else why


def _death(pod: Json | None) -> str | None:
    """Why the pod died, as kubelet says it: Evicted, OOMKilled, ..."""
    if pod is None:
        return None
    if reason := pod.get("status", {}).get("reason"):
        return str(reason)
    dead = _state(pod, "terminated") or {}
    reason = dead.get("reason")
    return str(reason) if reason not in (None, "Completed", "Error") else None


def _report(pod: Json | None) -> tuple[Json | None, datetime | None]:
    """(the runner's report, when the container ended)."""
    dead = _state(pod, "terminated") if pod else None
    if not dead:
        return None, None
    try:
        report = json.loads(dead.get("message") or "null")
    except ValueError:
        report = None
    usable = isinstance(report, dict) and isinstance(report.get("outcome"), str)
    # without a report the Job's own end is waited for: it says why
    return (report, moment(dead.get("finishedAt"))) if usable else (None, None)


def _trouble(pod: Json | None) -> tuple[str | None, str | None]:
    """Why the pod does not start, and kubelet's or the scheduler's words for it."""
    if pod is None:
        return None, None
    if waiting := _state(pod, "waiting"):
        return waiting.get("reason"), waiting.get("message")
    for found in pod.get("status", {}).get("conditions", []):
        if found["type"] == "PodScheduled" and found["status"] == "False":
            return found.get("reason", "Unschedulable"), found.get("message")
    return None, None


def _state(pod: Json, kind: str) -> dict[str, Any] | None:
    for container in pod.get("status", {}).get("containerStatuses", []):
        if container["name"] == CONTAINER:
            found = container.get("state", {}).get(kind)
            return None if found is None else dict(found)
    return None


def _owned(pod: Json, uid: str) -> bool:
    return any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", []))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
