"""What is decided from one look: the way from nothing to Ready, and what is never done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from operators.migrator.decide import decide, refused
from operators.migrator.fleet import UNKNOWN, Deployed
from operators.migrator.observed import Problem
from operators.migrator.status import (
    REASON_OF,
    STALLED,
    Reason,
    condition,
    moment,
    reason_of,
    stamp,
)
from tests.unit.operators.looks import (
    NOW,
    after,
    attempt,
    ended,
    failed,
    files,
    holds,
    image,
    look,
    message,
    reason,
    running,
    state,
    sum_of,
)

QUICK = {"retries": {"limit": 1, "backoffSeconds": 10, "backoffCapSeconds": 10}}


def test_a_pending_migration_starts_one_attempt() -> None:
    _, made = running()
    assert made.start is not None
    assert (made.start.attempt, made.start.mode, made.start.to) == (1, "up", None)
    assert reason(made) == "Progressing"
    assert (holds(made, "Reconciling"), holds(made, "Stalled")) == (True, None)


def test_a_running_attempt_is_left_alone() -> None:
    o, made = running()
    again = decide(after(o, made, attempts=(attempt(),), state=None))
    assert (again.start, again.delete, reason(again)) == (None, (), "Progressing")
    assert again.status == made.status


def test_a_job_made_before_a_crash_is_taken_up() -> None:
    made = decide(look(attempts=(attempt(),), state=None))
    assert (made.start, made.status["attempt"]) == (None, 1)
    assert made.status["jobName"] == attempt().name


def test_ready_is_what_the_database_says() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=(ended(),), state=state(2)))
    assert (reason(done), holds(done, "Ready")) == ("Applied", True)
    assert holds(done, "Reconciling") is None
    assert [a["version"] for a in done.status["applied"]] == [1, 2]
    assert done.status["checksum"] == sum_of(2)


def test_a_job_that_says_applied_is_not_believed() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=(ended(),), state=state(1)))
    assert (reason(done), holds(done, "Ready"), done.start) == ("Retrying", False, None)
    assert done.status["failures"] == 1


def test_an_image_that_reports_no_checksum_does_not_run_for_ever() -> None:
    o = look(image(**QUICK), files=None, state=state(2))
    made = decide(o)
    done = decide(after(o, made, attempts=(ended(),)))
    assert (reason(done), done.start) == ("Retrying", None)


def test_a_database_at_its_target_needs_no_job() -> None:
    made = decide(look(state=state(2)))
    assert (made.start, reason(made)) == (None, "Applied")


def test_a_look_at_what_is_known_changes_nothing() -> None:
    o = look(state=state(2))
    made = decide(o)
    later = replace(after(o, made), now=NOW + timedelta(seconds=120))
    assert decide(later).status == made.status


def test_the_time_of_the_last_look_is_kept_fresh() -> None:
    o = look(state=state(2))
    later = replace(after(o, decide(o)), now=NOW + timedelta(seconds=301))
    assert decide(later).status["lastVerifiedAt"] == stamp(later.now)


def test_what_is_newer_is_ready_and_stays() -> None:
    made = decide(look(state=state(3)))
    assert (made.start, reason(made), holds(made, "Ready")) == (None, "Ahead", True)
    assert "0003" in message(made)


def test_what_is_newer_with_other_files_is_not_ready() -> None:
    made = decide(look(files=files(2, edited=2), state=state(3)))
    assert (made.start, reason(made)) == (None, "ChecksumMismatch")


def test_an_edited_file_is_named_without_a_job() -> None:
    made = decide(look(files=files(2, edited=1), state=state(2)))
    assert (made.start, reason(made), holds(made, "Stalled")) == (None, "ChecksumMismatch", True)
    assert "0001_t1.up.sql" in message(made)


def test_an_image_tells_its_target_by_the_first_attempt() -> None:
    o = look(image(), files=None, state=state(2))
    made = decide(o)
    assert made.start is not None
    done = decide(after(o, made, attempts=(ended(checksum=sum_of(2)),)))
    assert (reason(done), done.start, done.status["targetVersion"]) == ("Applied", None, 2)


def test_another_image_has_to_tell_anew() -> None:
    o = look(image(), files=None, state=state(2))
    done = decide(after(o, decide(o), attempts=(ended(checksum=sum_of(2)),)))
    other = after(o, done, revision="sha-of-another", round="round0000002")
    made = decide(other)
    assert made.start is not None and made.start.attempt == 1
    assert "checksum" not in made.status


def test_a_spec_that_changes_nothing_of_the_target_needs_no_job() -> None:
    o = look(image(), files=None, state=state(2))
    done = decide(after(o, decide(o), attempts=(ended(checksum=sum_of(2)),)))
    changed = look(image(drift={"intervalSeconds": 5}), files=None, state=state(2))
    made = decide(after(changed, done, round="round0000002"))
    assert (made.start, reason(made)) == (None, "Applied")


def test_a_failed_attempt_is_tried_again_after_a_pause() -> None:
    o, made = running()
    failing = after(o, made, attempts=(failed("statement_failed", file="0001_t1.up.sql"),))
    done = decide(failing)
    assert (reason(done), done.start, holds(done, "Reconciling")) == ("Retrying", None, True)
    assert done.status["failure"]["file"] == "0001_t1.up.sql"
    assert 5 <= done.again_s <= 10.1
    waiting = decide(after(failing, done))
    assert (waiting.start, waiting.status) == (None, done.status)
    later = replace(after(failing, done), now=NOW + timedelta(seconds=11))
    again = decide(later)
    assert again.start is not None and again.start.attempt == 2


def test_clocks_that_are_ahead_make_no_pause_longer_than_the_cap() -> None:
    o, made = running()
    hour = timedelta(hours=1)
    node_ahead = replace(failed("statement_failed"), ended=NOW + hour)
    done = decide(after(o, made, attempts=(node_ahead,)))
    assert (moment(done.status["retryAt"]) or NOW) <= NOW + timedelta(seconds=10)
    was_ahead = {**done.status, "retryAt": stamp(NOW + hour)}
    healed = decide(replace(after(o, done, attempts=(node_ahead,)), status=was_ahead))
    assert reason(healed) == "Retrying"
    assert moment(healed.status["retryAt"]) == NOW + timedelta(seconds=301)


def test_a_pod_that_is_refused_is_told_and_the_job_left_to_try_again() -> None:
    o, made = running()
    unmade = attempt(phase="pending", trouble="FailedCreate", detail="exceeded quota: small.")
    done = decide(after(o, made, attempts=(unmade,), state=None))
    assert (reason(done), done.start, done.delete) == ("InternalError", None, ())
    assert "exceeded quota: small." in message(done)
    assert done.status["failures"] == 0
    runs = decide(after(o, done, attempts=(attempt(),), state=None))
    assert reason(runs) == "Progressing"


def test_it_gives_up_after_the_limit_and_says_how_to_go_on() -> None:
    o = look(QUICK)
    done = decide(after(o, decide(o), attempts=(failed("statement_failed"),)))
    later = after(o, done, attempts=(failed("statement_failed"),), now=NOW + timedelta(seconds=11))
    second = decide(later)
    both = (failed("statement_failed"), failed("statement_failed", 2))
    made = decide(after(later, second, attempts=both))
    assert (reason(made), holds(made, "Stalled"), holds(made, "Reconciling")) == (
        "StatementFailed",
        True,
        None,
    )
    assert "ucc-intel.io/retry" in message(made)
    assert decide(after(later, made, attempts=both)).start is None


def test_a_new_round_resumes_what_had_given_up() -> None:
    o = look({"retries": {"limit": 0}})
    stalled = decide(after(o, decide(o), attempts=(failed("statement_failed"),)))
    assert reason(stalled) == "StatementFailed"
    made = decide(after(o, stalled, attempts=(), round="round0000002", retry="again"))
    assert made.start is not None
    assert (made.status["retryToken"], made.status["failures"]) == ("again", 0)


def test_a_database_that_a_person_repaired_is_ready_at_once() -> None:
    o = look({"retries": {"limit": 0}})
    stalled = decide(after(o, decide(o), attempts=(failed("in_doubt"),)))
    made = decide(after(o, stalled, attempts=(failed("in_doubt"),), state=state(2)))
    assert reason(made) == "Applied"
    assert "failure" not in made.status


@pytest.mark.parametrize("code", sorted(REASON_OF))
def test_each_code_has_its_end(code: str) -> None:
    o = look({"retries": {"limit": 0}})
    made = decide(after(o, decide(o), attempts=(failed(code),)))
    expected = reason_of(code)
    assert reason(made) == expected
    assert holds(made, "Stalled") == (True if expected in STALLED else None)
    assert made.start is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("secret_missing", Reason.SECRET_NOT_FOUND),
        ("source_missing", Reason.SOURCE_NOT_FOUND),
        ("database_unreachable", Reason.WAITING_FOR_DATABASE),
        ("source_invalid", Reason.SOURCE_INVALID),
        ("pooler", Reason.DIRECT_URL_REQUIRED),
        ("not_permitted", Reason.NOT_PERMITTED),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_runs(code: str, expected: Reason) -> None:
    made = decide(look(problem=Problem(code, "It is not there."), state=None))
    assert (reason(made), made.start) == (expected, None)
    assert "It is not there." in message(made)


def test_what_is_missing_is_looked_for_less_and_less_often() -> None:
    problem = Problem("secret_missing", "No Secret.")
    pauses = [decide(look(problem=problem, state=None, looks=n)).again_s for n in range(9)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_target_beyond_the_files_stalls_without_a_job() -> None:
    made = decide(look({"targetVersion": 3}))
    assert (made.start, reason(made)) == (None, "TargetUnknown")


def test_a_lower_target_is_where_it_stops() -> None:
    made = decide(look({"targetVersion": 1}))
    assert made.start is not None and made.start.to == 1
    assert reason(decide(look({"targetVersion": 1}, state=state(1)))) == "Applied"


def test_suspended_nothing_starts() -> None:
    made = decide(look({"suspend": True}))
    assert (made.start, reason(made)) == (None, "Suspended")
    assert (holds(made, "Ready"), holds(made, "Reconciling")) == (False, None)


def test_suspended_a_database_at_its_target_is_still_ready() -> None:
    assert reason(decide(look({"suspend": True}, state=state(2)))) == "Applied"


def test_rollback_goes_down_and_stays_there() -> None:
    wishes = {"rollback": {"toVersion": 1}}
    made = decide(look(wishes, state=state(2)))
    assert made.start is not None and (made.start.mode, made.start.to) == ("down", 1)
    assert reason(decide(look(wishes, state=state(1)))) == "Applied"


def test_rollback_to_nothing() -> None:
    wishes = {"rollback": {"toVersion": 0}}
    made = decide(look(wishes, state=state(2)))
    assert made.start is not None and (made.start.mode, made.start.to) == ("down", 0)
    assert reason(decide(look(wishes, state=state(0)))) == "Applied"


def test_a_version_in_doubt_is_not_ready() -> None:
    made = decide(look(state=state(1, doubt=2)))
    assert reason(made) == "Progressing" and made.start is not None
    assert decide(look(files=files(1), state=state(1, doubt=2))).start is None


def test_a_dry_run_plans_once_and_changes_nothing() -> None:
    o = look({"dryRun": True})
    made = decide(o)
    assert made.start is not None and made.start.mode == "plan"
    plan = replace(ended(), mode="plan")
    done = decide(after(o, made, attempts=(plan,), plan={"files": ["0001"]}))
    assert (reason(done), holds(done, "Ready"), done.start) == ("DryRun", False, None)
    assert done.status["plan"] == {"files": ["0001"], "fromVersion": 0}
    assert decide(after(o, done, attempts=(plan,))).start is None
    moved = decide(after(o, done, attempts=(plan,), state=state(1)))
    assert moved.start is not None and moved.start.attempt == 2


def test_a_dry_run_with_nothing_pending_is_ready() -> None:
    assert reason(decide(look({"dryRun": True}, state=state(2)))) == "Applied"


def test_without_a_slot_it_waits() -> None:
    made = decide(look(room=False))
    assert (made.start, reason(made)) == (None, "WaitingForSlot")


FLEET = (Deployed("api", "1.2.0"), Deployed("jobs", "1.1.9"))
WAITING = {"file": "0002_t2.up.sql", "min_app_version": "1.2.0"}


def test_contract_files_wait_for_those_behind() -> None:
    o = look(fleet=FLEET)
    made = decide(o)
    assert made.start is not None and made.start.app_version == "1.1.9"
    report = ended(outcome="waiting", waiting=WAITING, version=1)
    seen = after(o, made, attempts=(report,), state=state(1))
    done = decide(seen)
    assert (reason(done), done.start) == ("WaitingForCode", None)
    assert done.status["waitingFor"]["deployments"] == [{"name": "jobs", "version": "1.1.9"}]
    assert "jobs" in message(done) and "api" not in message(done)
    later = NOW + timedelta(seconds=60)
    rolling = (FLEET[0], Deployed("jobs", UNKNOWN))
    assert decide(after(seen, done, fleet=rolling, now=later)).start is None
    there = (FLEET[0], Deployed("jobs", "1.10.0"))
    again = decide(after(seen, done, fleet=there, now=later))
    assert again.start is not None and again.start.app_version == "1.2.0"


def test_without_deployments_or_switched_off_nothing_waits() -> None:
    assert (start := decide(look()).start) and start.app_version is None
    off = decide(look({"contract": {"enabled": False}}, fleet=FLEET))
    assert off.start is not None and off.start.app_version is None


def test_a_deleted_job_is_an_attempt_that_was_lost() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=()))
    assert (reason(done), done.status["failure"]["code"]) == ("Retrying", "job_lost")


def test_a_lost_job_that_had_done_its_work_is_ready() -> None:
    o, made = running()
    assert reason(decide(after(o, made, attempts=(), state=state(2)))) == "Applied"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        ("DeadlineExceeded", "deadline_exceeded"),
        ("OOMKilled", "job_lost"),
        ("Evicted", "job_lost"),
        ("PodDeleted", "job_lost"),
        ("NoPod", "internal"),
        ("StartError", "image_unavailable"),
        (None, "job_lost"),
    ],
)
def test_an_end_without_a_report_has_a_cause(cause: str | None, code: str) -> None:
    o, made = running()
    dead = attempt(phase="ended", ended=NOW, cause=cause)
    done = decide(after(o, made, attempts=(dead,)))
    assert (reason(done), done.status["failure"]["code"]) == ("Retrying", code)


def test_an_image_that_does_not_come_ends_the_attempt_and_its_job() -> None:
    o, made = running()
    stuck = attempt(
        phase="pending", trouble="ImagePullBackOff", created=NOW - timedelta(seconds=30)
    )
    done = decide(after(o, made, attempts=(stuck,)))
    assert (reason(done), done.status["failure"]["code"]) == ("Retrying", "image_unavailable")
    later = after(o, done, attempts=(stuck,), now=NOW + timedelta(seconds=60))
    gone = decide(later)
    assert (gone.delete, gone.start) == ((stuck.name,), None)
    assert decide(replace(later, attempts=())).start is not None


def test_an_image_is_given_some_time() -> None:
    o, made = running()
    slow = attempt(phase="pending", trouble="ErrImagePull", detail="dial tcp")
    done = decide(after(o, made, attempts=(slow,), state=None))
    assert (reason(done), done.delete) == ("Progressing", ())
    assert "ErrImagePull" in message(done)


def test_an_attempt_for_an_older_spec_that_has_not_begun_is_stopped() -> None:
    old = attempt(phase="pending", round="round0000000")
    made = decide(look(attempts=(old,), state=None))
    assert (made.delete, made.start, reason(made)) == ((old.name,), None, "Progressing")


def test_an_attempt_for_an_older_spec_that_runs_is_waited_for() -> None:
    old = attempt(round="round0000000")
    made = decide(look(attempts=(old,), state=None))
    assert (made.delete, made.start, reason(made)) == ((), None, "Progressing")
    assert "To stop it, delete it" in message(made)


def test_a_dry_run_for_an_older_spec_is_stopped() -> None:
    old = attempt(mode="plan", round="round0000000")
    made = decide(look(attempts=(old,), state=None))
    assert (made.delete, made.start, reason(made)) == ((old.name,), None, "Progressing")


def test_a_finished_attempt_of_a_round_that_comes_back_is_not_judged_again() -> None:
    made = decide(look(attempts=(failed("statement_failed", 3),)))
    assert made.start is not None and made.start.attempt == 4
    assert made.status["failures"] == 0


BLOCKER = {"pid": 7, "application": "nightly report", "seconds": 4, "query": "SELECT 1"}


def test_who_keeps_a_running_attempt_waiting_is_told_once() -> None:
    o, made = running()
    waiting = after(o, made, attempts=(attempt(),), state=None, blockers=(BLOCKER,))
    seen = decide(waiting)
    assert seen.status["blockers"] == [BLOCKER]
    assert "nightly report" in message(seen)
    later = after(waiting, seen, blockers=({**BLOCKER, "seconds": 9},))
    assert decide(later).status == seen.status
    assert decide(after(waiting, seen, blockers=())).status == seen.status
    done = decide(after(o, seen, attempts=(ended(),), state=state(2), blockers=()))
    assert "blockers" not in done.status


def test_a_job_that_is_refused_is_no_attempt() -> None:
    o, made = running()
    said = refused(o, made, "exceeded quota")
    assert (reason(said), said.start, said.status["attempt"]) == ("InternalError", None, 0)
    assert "exceeded quota" in message(said)
    again = decide(after(o, said))
    assert again.start is not None and again.start.attempt == 1


def finding(n: int, level: str) -> dict[str, object]:
    return {
        "file": f"{n:04d}_x.up.sql",
        "line": 1,
        "rule": "a-rule",
        "level": level,
        "message": "No.",
    }


def test_the_worst_findings_are_told_first_and_the_rest_counted() -> None:
    o, made = running()
    found = [finding(n, "warning") for n in range(1, 12)] + [finding(99, "error")]
    lint = {"checked": 12, "errors": 1, "warnings": 30, "excepted": 0, "findings": found}
    report = failed("lint_failed", lint=lint)
    done = decide(after(o, made, attempts=(report,)))
    linted = condition(done.status, "Linted")
    assert linted and (linted["status"], linted["reason"]) == ("False", "LintFailed")
    said = linted["message"].split("; ")
    assert said[1].startswith("0099_x.up.sql:1 a-rule (error)")
    assert (len(said), said[-1]) == (12, "and 21 more")


def test_files_that_a_report_left_out_are_counted() -> None:
    o, made = running()
    report = ended(applied=[{"version": 2, "name": "t2", "ms": 5}], more={"applied": 4})
    done = decide(after(o, made, attempts=(report,), state=state(2)))
    assert done.verdict and done.verdict.files == ("4 earlier files", "0002_t2 (5 ms)")


def test_an_image_that_does_not_know_the_command_is_told_so() -> None:
    o, made = running()
    dead = attempt(phase="ended", ended=NOW, cause="Error", exit_code=2)
    said = message(decide(after(o, made, attempts=(dead,))))
    assert "exit code 2" in said and "older" in said and f"kubectl logs job/{dead.name}" in said


def test_an_outcome_of_a_newer_runner_does_not_run_for_ever() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=(ended(outcome="skipped"),)))
    assert (reason(done), done.start) == ("Retrying", None)
    assert done.status["failure"]["code"] == "internal" and "skipped" in message(done)


def test_a_dry_run_that_fails_keeps_its_plan() -> None:
    o = look({"dryRun": True, "retries": {"limit": 0}})
    plan = replace(failed("statement_failed"), mode="plan")
    done = decide(after(o, decide(o), attempts=(plan,), plan={"files": ["0001"]}))
    assert reason(done) == "StatementFailed"
    assert done.status["plan"]["files"] == ["0001"]
