"""Takes over how an attempt ended into the status, once: pure.

What is kept: the failure with who was in the way, how often it failed, when the next attempt may
start, the source's target and checksum, what a dry run found.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

from migrations.report import Outcome
from operators.migrator.attempt import DEADLINE, UNMADE, UNSTARTED, Attempt, is_hopeless
from operators.migrator.observed import Observed, Verdict
from operators.migrator.status import (
    FINAL,
    UNCOUNTED,
    Finding,
    cut,
    drop,
    moment,
    stamp,
    with_condition,
)
from services.common import pauses

_OF_ROUND = (
    *(
        "failure",
        "blockers",
        "retryAt",
        "waitingFor",
        "jobName",
        "startedAt",
        "completedAt",
        "plan",
    ),
)
_LOST = {
    "OOMKilled": "it ran out of memory.",
    "Evicted": "its pod was evicted, the node lacked room.",
    "PodDeleted": "its pod was deleted.",
}
WRONG_USAGE = 2
OUTCOMES = frozenset(get_args(Outcome))
MOST_FINDINGS = 10
_LEVELS = ("error", "warning", "excepted")
_FAILURE = ("file", "line", "statement", "error", "sqlstate")

Status = dict[str, Any]


def begin(o: Observed) -> Status:
    """The status as this round goes on with it: a new one forgets failures and counts anew."""
    status = {**o.status, "retryToken": o.retry} if o.retry else drop(o.status, ("retryToken",))
    if status.get("round") == o.round:
        return status
    done = [a.number for a in o.attempts if a.round == o.round and a.phase == "ended"]
    return {
        **drop(status, _OF_ROUND),
        "round": o.round,
        "attempt": max(done, default=0),
        "failures": 0,
    }


def live(o: Observed) -> list[Attempt]:
    """The attempts whose Job is not over."""
    return [a for a in o.attempts if a.phase != "ended"]


def take(o: Observed, status: Status) -> tuple[Status, Verdict | None]:
    """`status` with the end of the newest attempt taken over, if that was not done before."""
    attempt = _unheard(o, status)
    if attempt is None:
        return _lost(o, status)
    if attempt.phase != "ended":
        return _hopeless(o, status, attempt)
    if attempt.report is None:
        return _failed(o, status, attempt, *_without_report(attempt))
    return _reported(o, status, attempt, attempt.report)


def spent(status: Mapping[str, Any], limit: int) -> bool:
    """Whether only a person can go on: the same again would fail, or failed often enough."""
    failure = status.get("failure")
    if not failure or failure["code"] in UNCOUNTED:
        return False
    return failure["code"] in FINAL or status.get("failures", 0) > limit


def _unheard(o: Observed, status: Status) -> Attempt | None:
    """The newest attempt of this round that ended, or can only end, and was not taken over."""
    heard = status.get("attempt", 0) - (0 if status.get("completedAt") else 1)
    if not status.get("jobName"):
        heard = status.get("attempt", 0)
    for attempt in reversed(o.attempts):
        if attempt.round == o.round and attempt.number > heard and not attempt.deleting:
            over = attempt.phase == "ended" or is_hopeless(attempt, o.now, o.pace.grace_s)
            return attempt if over else None
    return None


def _lost(o: Observed, status: Status) -> tuple[Status, Verdict | None]:
    """An attempt was running and its Job is gone."""
    name = status.get("jobName")
    running = name and not status.get("completedAt")
    if not running or any(a.name == name and not a.deleting for a in o.attempts):
        return status, None
    text = f"Job {name} was deleted before it ended."
    return _fail(o, status, "job_lost", text, {}, o.now, status.get("startedAt"))


def _hopeless(o: Observed, status: Status, attempt: Attempt) -> tuple[Status, Verdict | None]:
    code, said = "image_unavailable", f"{attempt.trouble}: {attempt.detail or 'no detail'}"
    if attempt.trouble == "CreateContainerConfigError":
        missing = o.problem is not None and o.problem.code == "secret_missing"
        code = "secret_missing" if missing else "internal"
    status = {**status, "attempt": attempt.number, "jobName": attempt.name}
    text = f"The pod of Job {attempt.name} cannot start: {said}."
    return _fail(o, status, code, text, {}, o.now, stamp(attempt.created))


def _without_report(attempt: Attempt) -> tuple[str, str]:
    if attempt.cause == DEADLINE:
        return "deadline_exceeded", (
            f"Job {attempt.name} ran longer than spec.timeouts.overallSeconds and was stopped; "
            "what it had not committed was rolled back."
        )
    if attempt.cause == UNMADE:
        return "internal", (
            f"Job {attempt.name} got no pod within spec.timeouts.overallSeconds: look at quotas, "
            "limits and policies of the namespace, and at spec.job."
        )
    if attempt.cause in UNSTARTED:
        return "image_unavailable", (
            f"The container of Job {attempt.name} cannot be started: {attempt.detail}. Its image "
            "must be able to run `python -m migrations`."
        )
    why = _LOST.get(attempt.cause or "", "its pod left none.")
    if attempt.exit_code == WRONG_USAGE:
        why = "its image does not know what it was asked for; is it older than this operator?"
    code = "" if attempt.exit_code is None else f" (exit code {attempt.exit_code})"
    look = f"`kubectl logs job/{attempt.name}` may say more"
    return "job_lost", f"Job {attempt.name} ended without a report{code}: {why} {look}."


def _failed(
    o: Observed, status: Status, attempt: Attempt, code: str, message: str
) -> tuple[Status, Verdict | None]:
    status = {**status, "attempt": attempt.number, "jobName": attempt.name}
    ended = attempt.ended or o.now
    return _fail(o, status, code, message, {}, ended, stamp(attempt.created))


def _reported(
    o: Observed, status: Status, attempt: Attempt, report: Mapping[str, Any]
) -> tuple[Status, Verdict | None]:
    ended, started = attempt.ended or o.now, stamp(attempt.created)
    status = {**status, "attempt": attempt.number, "jobName": attempt.name, "startedAt": started}
    status = _linted(o, status, report.get("lint") or (o.plan or {}).get("lint"))
    if report.get("checksum") is not None and report.get("target") is not None:
        status |= {"request": o.request, "sourceRevision": o.revision}
        status |= {"targetVersion": report["target"], "checksum": report["checksum"]}
    if report.get("fingerprint"):
        status["fingerprint"] = report["fingerprint"]
    files = _files(report)
    outcome, message = report["outcome"], report.get("message", "")
    if attempt.mode == "plan":
        at = o.state.version if o.state else report.get("version", 0)
        status["plan"] = {**(o.plan or {}), "fromVersion": at}
    if outcome not in OUTCOMES:
        # to go on as if nothing failed would run it again at once, for ever
        message = (
            f"Its outcome was {outcome!r}, unknown here: is its image newer than the operator?"
        )
        return _fail(o, status, "internal", message, report, ended, started, "failed", files)
    if outcome in ("refused", "failed", "stopped"):
        code = report.get("code") or "internal"
        return _fail(o, status, code, message, report, ended, started, outcome, files)
    status = drop(status, ("failure", "blockers", "retryAt", "waitingFor"))
    status["completedAt"] = stamp(ended)
    if outcome == "waiting":
        waiting = report.get("waiting", {})
        status["waitingFor"] = {
            "file": waiting.get("file", ""),
            "minAppVersion": waiting.get("min_app_version", ""),
        }
        # Deployments that go back and forth must not be met by a Job each time
        status["retryAt"] = _due(o, ended, attempt.number)
    if attempt.mode == "plan":
        outcome = "planned"
    seconds = (ended - attempt.created).total_seconds()
    return status, Verdict(attempt.number, outcome, None, message, seconds, files)


def _fail(
    o: Observed,
    status: Status,
    code: str,
    message: str,
    report: Mapping[str, Any],
    ended: datetime,
    started: str | None,
    outcome: str = "lost",
    files: tuple[str, ...] = (),
) -> tuple[Status, Verdict | None]:
    failures = status.get("failures", 0) + (code not in UNCOUNTED)
    failure = {"code": code, "message": cut(message, 2000)}
    failure |= {k: report[k] for k in _FAILURE if report.get(k) is not None}
    status = drop(status, ("waitingFor", "blockers", "retryAt"))
    status |= {"failure": failure, "failures": failures, "completedAt": stamp(ended)}
    if started:
        status["startedAt"] = started
    if report.get("blockers"):
        status["blockers"] = list(report["blockers"])[:10]
    if not spent(status, o.spec.retries.limit):
        tries = status["attempt"] if code in UNCOUNTED else failures
        status["retryAt"] = _due(o, ended, tries)
    since = moment(started) or ended
    seconds = (ended - since).total_seconds()
    return status, Verdict(status["attempt"], outcome, code, message, seconds, files)


def _due(o: Observed, ended: datetime, tries: int) -> str:
    """When the next attempt starts; the clock of the node that said `ended` may be ahead."""
    return stamp(min(ended, o.now) + timedelta(seconds=backoff_s(o, tries)))


def backoff_s(o: Observed, tries: int) -> float:
    """Seconds before the next attempt: doubled by each, capped, and spread.

    The spread comes from what is known to all, so that two operators wait the same.
    """
    retries = o.spec.retries
    ceiling = pauses.longest(tries, retries.backoff_seconds, retries.backoff_cap_seconds)
    seed = hashlib.sha256(f"{o.owner.uid}\n{o.round}\n{tries}".encode()).digest()
    return ceiling * (0.5 + seed[0] / 510)


def _files(report: Mapping[str, Any]) -> tuple[str, ...]:
    """What an attempt ran; a report keeps the newest files and counts those it had to leave out."""
    ran = tuple(f"{f['version']:04d}_{f['name']} ({f['ms']} ms)" for f in report.get("applied", []))
    more = (report.get("more") or {}).get("applied", 0)
    return (f"{more} earlier files", *ran) if more else ran


def _linted(o: Observed, status: Status, lint: Mapping[str, Any] | None) -> Status:
    """The condition Linted; the worst findings stand in its message."""
    if not lint:
        return status
    errors, found = lint.get("errors", 0), lint.get("findings", [])
    counts = ", ".join(f"{lint.get(k, 0)} {k}" for k in ("errors", "warnings", "excepted"))
    worst = sorted(found, key=lambda f: _LEVELS.index(f["level"]) if f["level"] in _LEVELS else 0)
    shown = [
        f"{f.get('file')}:{f.get('line')} {f.get('rule')} ({f['level']}): {f.get('message')}"
        for f in worst[:MOST_FINDINGS]
    ]
    total = sum(lint.get(k, 0) for k in ("errors", "warnings", "excepted"))
    more = [f"and {total - len(shown)} more"] if total > len(shown) else []
    message = "; ".join([f"{lint.get('checked', 0)} files checked: {counts}", *shown, *more])
    reason = Finding.LINT_FAILED if errors else Finding.LINT_PASSED
    generation = o.owner.generation
    return with_condition(status, "Linted", not errors, reason, message, generation, o.now)
