"""What a Job and its pods say."""

import json
from datetime import timedelta
from typing import Any

import pytest

from operators.migrator.attempt import is_hopeless, read, read_all, with_refusal
from operators.migrator.status import stamp
from tests.unit.operators.looks import NOW, attempt

REPORT = {"outcome": "failed", "code": "statement_failed", "message": "No."}


def job(*conditions: tuple[str, str], **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "orders-g3-a2-abcdef",
            "uid": "job-uid",
            "creationTimestamp": stamp(NOW),
            "annotations": {
                "ucc-intel.io/attempt": "2",
                "ucc-intel.io/generation": "3",
                "ucc-intel.io/mode": "down",
                "ucc-intel.io/round": "r",
            },
            **meta,
        },
        "status": {
            "conditions": [
                {"type": kind, "status": "True", "reason": why, "lastTransitionTime": stamp(NOW)}
                for kind, why in conditions
            ]
        },
    }


def pod(
    state: dict[str, Any] | None = None, owner: str = "job-uid", **status: Any
) -> dict[str, Any]:
    containers = [{"name": "migrate", "state": state}] if state else []
    return {
        "metadata": {
            "name": "orders-pod",
            "creationTimestamp": stamp(NOW),
            "ownerReferences": [{"uid": owner}],
        },
        "spec": {},
        "status": {"containerStatuses": containers, **status},
    }


def dead(message: str = "", **more: Any) -> dict[str, Any]:
    return {"terminated": {"message": message, "finishedAt": stamp(NOW), "exitCode": 1, **more}}


def test_a_job_without_a_pod_is_pending() -> None:
    found = read(job(), [])
    assert (found.phase, found.number, found.mode, found.round) == ("pending", 2, "down", "r")


def test_a_started_container_runs() -> None:
    assert read(job(), [pod({"running": {"startedAt": stamp(NOW)}})]).phase == "running"


def test_a_report_ends_an_attempt_before_the_job_is_marked() -> None:
    found = read(job(), [pod(dead(json.dumps(REPORT)))])
    assert (found.phase, found.report, found.ended) == ("ended", REPORT, NOW)


@pytest.mark.parametrize("message", ["", "Killed", "[]", '{"outcome": 1}', "null"])
def test_what_is_no_report_waits_for_the_jobs_own_end(message: str) -> None:
    assert read(job(), [pod(dead(message))]).phase != "ended"
    over = read(job(("Failed", "BackoffLimitExceeded")), [pod(dead(message, reason="Error"))])
    assert (over.phase, over.report, over.cause) == ("ended", None, "BackoffLimitExceeded")


def test_by_whom_a_run_was_stopped_the_job_says() -> None:
    stopped = dead(json.dumps({"outcome": "stopped", "code": "stopped", "message": "Stopped."}))
    early = read(job(), [pod(stopped)])
    assert (early.phase, early.ended) == ("running", None)
    late = read(job(("Failed", "DeadlineExceeded")), [pod(stopped)])
    assert (late.phase, late.cause, late.report) == ("ended", "DeadlineExceeded", None)
    deleted = read(job(("Failed", "BackoffLimitExceeded")), [pod(stopped)])
    assert deleted.phase == "ended"
    assert deleted.report is not None and deleted.report["code"] == "stopped"


def test_why_a_pod_died() -> None:
    failed = job(("Failed", "BackoffLimitExceeded"))
    assert read(failed, [pod(dead(reason="OOMKilled"))]).cause == "OOMKilled"
    assert read(failed, [pod(reason="Evicted")]).cause == "Evicted"
    assert read(failed, []).cause == "PodDeleted"
    late = job(("Failed", "DeadlineExceeded"))
    assert read(late, [pod(dead(reason="Error"))]).cause == "DeadlineExceeded"


def test_why_a_pod_does_not_start() -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}
    found = read(job(), [pod(waiting)])
    assert (found.phase, found.trouble, found.detail) == (
        *("pending", "ImagePullBackOff"),
        "Back-off pulling",
    )
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    assert read(job(), [pod(conditions=[unplaced])]).trouble == "Unschedulable"


def test_a_deadline_without_any_pod_is_another_cause() -> None:
    late = job(("Failed", "DeadlineExceeded"))
    assert read(late, []).cause == "NoPod"
    late["status"]["failed"] = 1
    assert read(late, []).cause == "DeadlineExceeded"


def test_a_container_that_cannot_be_started_says_why() -> None:
    failed = job(("Failed", "BackoffLimitExceeded"))
    found = read(failed, [pod(dead('exec: "python": not found', reason="StartError"))])
    assert (found.cause, found.detail) == ("StartError", 'exec: "python": not found')


def test_the_newest_refusal_of_a_pod_is_told_without_the_pods_name() -> None:
    def told(note: str, **times: Any) -> dict[str, Any]:
        return {"note": f'Error creating: pods "orders-{note}" is forbidden: {note}', **times}

    series = {"lastObservedTime": "2026-11-24T12:00:09.000000Z"}
    events = [
        told("old", eventTime="2026-11-24T12:00:01.000000Z"),
        told("new", eventTime="2026-11-24T12:00:00.000000Z", series=series),
        told("older", deprecatedLastTimestamp="2026-11-24T11:00:00Z"),
    ]
    found = with_refusal(read(job(), []), events)
    assert (found.trouble, found.detail) == (
        *("FailedCreate", "Error creating: its pod is forbidden: new"),
    )
    assert with_refusal(read(job(), []), []).trouble is None


def test_pods_go_to_their_own_jobs() -> None:
    (found,) = read_all([job()], [pod({"running": {}}, owner="another")])
    assert found.phase == "pending"


def test_a_job_of_somebody_elses_making_is_borne() -> None:
    found = read(job(annotations=None), [])
    assert (found.number, found.round) == (0, "")


@pytest.mark.parametrize(
    ("trouble", "waited_s", "hopeless"),
    [
        ("ErrImageNeverPull", 0, True),
        ("InvalidImageName", 0, True),
        ("CreateContainerConfigError", 0, True),
        ("ErrImagePull", 5, False),
        ("ImagePullBackOff", 20, True),
        ("Unschedulable", 9999, False),
        (None, 9999, False),
    ],
)
def test_what_no_patience_changes(trouble: str | None, waited_s: int, hopeless: bool) -> None:
    placed = NOW - timedelta(seconds=waited_s)
    found = attempt(phase="pending", trouble=trouble, placed=placed, created=placed)
    assert is_hopeless(found, NOW, grace_s=20) is hopeless


def test_patience_begins_when_the_pod_got_a_node() -> None:
    created = NOW - timedelta(hours=1)
    found = attempt(phase="pending", trouble="ErrImagePull", placed=NOW, created=created)
    assert not is_hopeless(found, NOW, grace_s=20)
