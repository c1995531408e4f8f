"""Events: one a step, none for nothing."""

from datetime import timedelta

from operators.migrator.decide import decide
from operators.migrator.events import between, manifest
from tests.unit.operators.looks import (
    NOW,
    OWNER,
    after,
    attempt,
    ended,
    failed,
    look,
    running,
    state,
)

BLOCKER = {
    "pid": 7,
    "user": "app",
    "application": "nightly report",
    "state": "idle in transaction",
    "seconds": 42,
    "query": "SELECT 1",
}


def test_a_start_is_told_with_its_job() -> None:
    o, made = running()
    (told,) = between(o.status, made)
    assert told.reason == "AttemptStarted" and made.status["jobName"] in told.note


def test_what_ran_and_that_it_is_proven() -> None:
    o, made = running()
    ran = [{"version": 1, "name": "t1", "ms": 4}, {"version": 2, "name": "t2", "ms": 5}]
    seen = after(o, made, attempts=(ended(applied=ran),), state=state(2))
    told = between(seen.status, decide(seen))
    assert [one.reason for one in told] == ["MigrationsRun", "Applied"]
    assert "0001_t1 (4 ms), 0002_t2 (5 ms)" in told[0].note
    assert not any(one.warning for one in told)


def test_a_resync_tells_nothing() -> None:
    o = look(state=state(2))
    made = decide(o)
    assert between(made.status, decide(after(o, made))) == []


def test_a_running_attempt_tells_nothing() -> None:
    o, made = running()
    seen = after(o, made, attempts=(attempt(),), state=None)
    assert between(seen.status, decide(seen)) == []


def test_each_failure_is_told_with_who_was_in_the_way() -> None:
    o, made = running()
    seen = after(o, made, attempts=(failed("lock_timeout", blockers=[BLOCKER]),))
    done = decide(seen)
    (told,) = between(seen.status, done)
    assert told.reason == "Retrying" and told.warning
    assert "nightly report" in told.note and done.status["retryAt"] in told.note
    assert between(done.status, decide(after(seen, done))) == []


def test_a_failure_is_told_though_the_next_attempt_follows_at_once() -> None:
    o, made = running()
    late = NOW + timedelta(hours=1)
    seen = after(o, made, attempts=(failed("connection_lost"),), now=late)
    told = between(seen.status, decide(seen))
    assert [one.reason for one in told] == ["AttemptFailed", "AttemptStarted"]
    assert (told[0].warning, told[1].warning) == (True, False)
    assert told[0].note.startswith("Attempt 1 failed: ")


def test_drift_is_told_when_it_comes_and_when_it_goes() -> None:
    fine = decide(look(state=state(2), drift=[]))
    drifted = decide(look(status=fine.status, state=state(2), drift=["table t9 was added"]))
    (told,) = between(fine.status, drifted)
    assert (told.reason, told.warning) == ("Drifted", True)
    assert between(drifted.status, drifted) == []
    (told,) = between(drifted.status, fine)
    assert told.reason == "DriftGone"


def test_told_twice_within_a_minute_is_one_event() -> None:
    o, made = running()
    (told,) = between(o.status, made)
    first = manifest(OWNER, told, NOW, "a")
    again = manifest(OWNER, told, NOW + timedelta(seconds=30), "b")
    later = manifest(OWNER, told, NOW + timedelta(seconds=61), "a")
    assert first["metadata"] == again["metadata"] != later["metadata"]
    assert first["regarding"]["uid"] == OWNER.uid


def test_a_running_attempt_that_waits_names_who_holds_the_lock() -> None:
    o, made = running()
    seen = after(o, made, attempts=(attempt(),), state=None, blockers=(BLOCKER,))
    done = decide(seen)
    (told,) = between(seen.status, done)
    assert (told.reason, told.warning) == ("Blocked", True)
    assert "pid 7 (nightly report, idle in transaction for 42 s): SELECT 1" in told.note
    assert between(done.status, decide(after(seen, done))) == []
