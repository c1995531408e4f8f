"""Decides from one look what is true of a resource and what to do about it: pure.

In this order: an attempt that runs is left alone; how the last one ended is taken over; what the
database says beats all the rest (Ready is only what was read back); then why nothing can be
done; and only then a new attempt.
"""

from dataclasses import replace
from datetime import timedelta

from operators.migrator import fleet, readback, target
from operators.migrator.attempt import REFUSED, Attempt
from operators.migrator.job import Launch, Mode, name_of
from operators.migrator.observed import Decision, Observed, Problem
from operators.migrator.remedies import REMEDIES
from operators.migrator.status import (
    FINAL,
    UNCOUNTED,
    Reason,
    drop,
    moment,
    pids,
    reason_of,
    settle,
    stamp,
)
from operators.migrator.target import Wanted
from operators.migrator.verdict import Status, backoff_s, begin, live, spent, take
from services.common import pauses

_DONE = ("failure", "blockers", "retryAt", "waitingFor")
_RESUME = (
    "It is tried again when the spec, the source or the Secret changes, or when the annotation "
    "ucc-intel.io/retry gets a new value."
)


def decide(o: Observed) -> Decision:
    """What to say and to do."""
    status, verdict = take(o, begin(o))
    if running := _current(o, status):
        made = _progress(o, status, running)
    else:
        made = _settled(o, readback.read_back(o, status), unproven=_claims(verdict))
    return replace(made, status=readback.verified_at(o, dict(made.status)), verdict=verdict)


def _claims(verdict: object) -> bool:
    return getattr(verdict, "outcome", None) in ("applied", "ahead")


def _current(o: Observed, status: Status) -> Attempt | None:
    """The attempt to wait for: one that was not taken over yet, of this round or of another."""
    for attempt in live(o):
        mine = attempt.round == o.round
        if not (mine and status.get("completedAt") and attempt.number <= status["attempt"]):
            return attempt
    return None


def _progress(o: Observed, status: Status, attempt: Attempt) -> Decision:
    """Wait for an attempt; of an older spec only for one that may be changing the database."""
    trouble = (
        f", its pod waits ({attempt.trouble}: {attempt.detail or ''})" if attempt.trouble else ""
    )
    if attempt.round == o.round:
        if attempt.number != status["attempt"] or status.get("completedAt"):
            status = _started(o, status, attempt.number, attempt.name)
        if attempt.trouble == REFUSED:
            return _podless(o, status, attempt)
        status, held = _blocked(o, status)
        message = f"Attempt {attempt.number} runs as Job {attempt.name}{trouble}.{held}"
        return _say(o, status, Reason.PROGRESSING, message, o.pace.poll_s)
    message = (
        f"Job {attempt.name}, for generation {attempt.generation} or an earlier state of source or "
        f"Secret, still runs{trouble}. To stop it, delete it: what it did not commit is undone."
    )
    made = _say(o, status, Reason.PROGRESSING, message, o.pace.poll_s)
    harmless = attempt.phase == "pending" or attempt.mode == "plan"
    stop = harmless and not attempt.deleting
    return replace(made, delete=(attempt.name,) if stop else ())


def _podless(o: Observed, status: Status, attempt: Attempt) -> Decision:
    """The Job controller goes on trying, so this is over as soon as the cause is."""
    message = (
        f"Job {attempt.name} gets no pod: {attempt.detail} Look at quotas, limits and policies of "
        "the namespace, and at spec.job."
    )
    return _say(o, status, Reason.INTERNAL_ERROR, message, o.pace.poll_s * 5)


def _blocked(o: Observed, status: Status) -> tuple[Status, str]:
    """Who was seen to keep the running attempt waiting; the same sessions are told once."""
    if o.blockers and pids(o.blockers) != pids(status.get("blockers", ())):
        status = {**status, "blockers": [*o.blockers][:10]}
    names = ", ".join(
        f"pid {b['pid']} ({b.get('application') or b.get('user') or 'no name'})"
        for b in status.get("blockers", ())
    )
    return status, f" It was seen waiting for a lock held by {names}." if names else ""


def _settled(o: Observed, status: Status, *, unproven: bool) -> Decision:
    wanted = target.wanted(o, status)
    status = target.shown(o, status, wanted)
    if isinstance(wanted, Wanted) and (reason := target.proven(o, wanted)):
        return _ready(o, status, reason, wanted)
    if unproven and o.state is not None:
        status = _disbelieve(o, status, o.state.version)
    problem = o.problem or target.problem(o, wanted)
    if o.spec.suspend:
        return _suspended(o, status, problem)
    if problem:
        return _problem(o, status, problem)
    if spent(status, o.spec.retries.limit):
        return _gave_up(o, status)
    return _held(o, status) or _next(o, status)


def _ready(o: Observed, status: Status, reason: Reason, wanted: Wanted) -> Decision:
    status = {**drop(status, _DONE if o.spec.dry_run else (*_DONE, "plan")), "failures": 0}
    message = f"The database is at version {wanted.target:04d}, read back with its checksums."
    if reason is Reason.AHEAD and o.state:
        message = (
            f"The database is at version {o.state.version:04d}, newer than {wanted.target:04d}, "
            "with the same files up to there. Nothing is undone unless spec.rollback says so."
        )
    return _say(o, status, reason, message, o.pace.resync_s)


def _disbelieve(o: Observed, status: Status, at: int) -> Status:
    """An attempt said it was done, the database says otherwise: that counts as a failure."""
    to = "that it was done" if "targetVersion" not in status else f"{status['targetVersion']:04d}"
    message = f"The Job reported {to}, but the database is at {at:04d} or has other checksums."
    failures = status.get("failures", 0) + 1
    due = stamp(o.now + timedelta(seconds=backoff_s(o, failures)))
    failure = {"code": "internal", "message": message}
    return {**status, "failures": failures, "failure": failure, "retryAt": due}


def _suspended(o: Observed, status: Status, problem: Problem | None) -> Decision:
    message = "Nothing is run while spec.suspend is true."
    if problem:
        message += f" {problem.message}"
    return _say(o, status, Reason.SUSPENDED, message, o.pace.resync_s)


def _problem(o: Observed, status: Status, problem: Problem) -> Decision:
    """What is waited for is looked at again soon, then less often."""
    most_s = min(o.pace.resync_s, o.spec.retries.backoff_cap_seconds)
    reason = reason_of(problem.code)
    wait_s = pauses.longest(o.looks + 1, 1.0, most_s)
    again_s = o.pace.resync_s if problem.code in FINAL else wait_s
    message = f"{problem.message} {REMEDIES.get(reason, '')}".strip()
    return _say(o, drop(status, ("retryAt",)), reason, message, again_s)


def _gave_up(o: Observed, status: Status) -> Decision:
    failure, tries = status["failure"], status["failures"]
    said = "" if failure["code"] in FINAL else f"Given up after {tries} attempts. "
    reason = reason_of(failure["code"])
    message = f"{said}{failure['message']} {REMEDIES[reason]} {_RESUME}"
    return _say(o, drop(status, ("retryAt",)), reason, message, o.pace.resync_s)


def _held(o: Observed, status: Status) -> Decision | None:
    """Why the next attempt does not start yet."""
    due = moment(status.get("retryAt"))
    if due and due > (latest := o.now + timedelta(seconds=o.spec.retries.backoff_cap_seconds + 1)):
        # written while a clock was ahead
        status, due = {**status, "retryAt": stamp(latest)}, latest
    left_s = max(0.0, (due - o.now).total_seconds()) if due else 0.0
    if waiting := status.get("waitingFor"):
        late = fleet.behind(o.fleet, waiting["minAppVersion"]) if o.spec.contract.enabled else []
        if late or left_s:
            return _wait_for_code(o, status, waiting, late, left_s)
    if left_s:
        return _retrying(o, status, left_s)
    plan = status.get("plan")
    if o.spec.dry_run and plan and o.state and plan["fromVersion"] == o.state.version:
        message = (
            f"Dry run: the database is at version {o.state.version:04d} and was not changed; "
            "status.plan has what would be run. Set spec.dryRun to false to run it."
        )
        return _say(o, status, Reason.DRY_RUN, message, o.pace.resync_s)
    return None


def _wait_for_code(
    o: Observed, status: Status, waiting: Status, late: list[fleet.Deployed], left_s: float
) -> Decision:
    behind = [{"name": d.name, "version": d.version} for d in late]
    names = ", ".join(
        f"{d.name} ({'rolling out' if d.version == fleet.UNKNOWN else d.version})" for d in late
    )
    message = (
        f"{waiting['file']} waits until every Deployment runs release {waiting['minAppVersion']}; "
        f"behind: {names or 'none any more'}."
    )
    status = {**status, "waitingFor": {**waiting, "deployments": behind}}
    again_s = o.pace.resync_s if late else left_s + 0.1
    return _say(o, status, Reason.WAITING_FOR_CODE, message, again_s)


def _retrying(o: Observed, status: Status, left_s: float) -> Decision:
    failure = status.get("failure") or {"code": "internal", "message": ""}
    again_s = min(left_s + 0.1, o.pace.resync_s)
    reason = reason_of(failure["code"])
    if failure["code"] in UNCOUNTED:
        message = f"{failure['message']} The next attempt starts at {status['retryAt']}."
        return _say(o, status, reason, message, again_s)
    left = o.spec.retries.limit - status.get("failures", 0) + 1
    message = (
        f"Attempt {status['attempt']} failed ({reason}), the next one starts at "
        f"{status['retryAt']}, {left} of {o.spec.retries.limit} retries left: {failure['message']}"
    )
    return _say(o, status, Reason.RETRYING, message, again_s)


def _next(o: Observed, status: Status) -> Decision:
    """A new attempt, where nothing of the last one is left and a slot is free."""
    if leftovers := live(o):
        names = tuple(a.name for a in leftovers if not a.deleting)
        message = f"Job {leftovers[0].name} is being removed before the next attempt."
        return replace(_say(o, status, Reason.PROGRESSING, message, o.pace.poll_s), delete=names)
    if not o.room:
        message = "Waiting for a slot: as many migration Jobs run as MIGRATOR_MAX_JOBS allows."
        return _say(o, status, Reason.WAITING_FOR_SLOT, message, o.pace.poll_s * 5)
    launch = Launch(
        round=o.round,
        attempt=status["attempt"] + 1,
        mode=_mode(o),
        to=o.spec.goal,
        app_version=fleet.lowest(o.fleet) if o.spec.contract.enabled else None,
    )
    name = name_of(o.owner, launch)
    status = _started(o, drop(status, ("retryAt", "waitingFor", "plan")), launch.attempt, name)
    message = f"Attempt {launch.attempt} runs as Job {name}."
    made = _say(o, status, Reason.PROGRESSING, message, o.pace.poll_s)
    return replace(made, start=launch)


def _mode(o: Observed) -> Mode:
    if o.spec.dry_run:
        return "plan"
    down = o.spec.rollback and o.state and o.state.version > o.spec.rollback.to_version
    return "down" if down else "up"


def _started(o: Observed, status: Status, attempt: int, name: str) -> Status:
    status = drop(status, ("completedAt", "blockers"))
    return {**status, "attempt": attempt, "jobName": name, "startedAt": stamp(o.now)}


def _say(o: Observed, status: Status, reason: Reason, message: str, again_s: float) -> Decision:
    return Decision(settle(status, reason, message, o.owner.generation, o.now), again_s)


def refused(o: Observed, made: Decision, why: str) -> Decision:
    """The Job could not be created: the attempt was none."""
    status = {k: v for k, v in made.status.items() if k not in ("jobName", "startedAt")}
    status["attempt"] = status["attempt"] - 1
    message = (
        f"The API server refuses the Job: {why}. Look at quotas and policies of the namespace, and "
        "at the rights of the migrator."
    )
    again_s = pauses.longest(o.looks + 1, 1.0, o.pace.resync_s)
    said = _say(o, status, Reason.INTERNAL_ERROR, message, again_s)
    return replace(said, verdict=made.verdict)
