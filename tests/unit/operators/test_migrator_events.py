"""Events: one a step, none for nothing."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from operators.migrator.decide import decide
from operators.migrator.events import Told, between, manifest
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


def test_told_twice_of_one_version_of_the_resource_is_one_event() -> None:
    o, made = running()
    (told,) = between(o.status, made)
    first = manifest(OWNER, "41", told, NOW, "a")
    again = manifest(OWNER, "41", told, NOW + timedelta(minutes=5), "b")
    later = manifest(OWNER, "42", told, NOW, "a")
    assert first["metadata"] == again["metadata"] != later["metadata"]
    assert first["regarding"]["uid"] == OWNER.uid


@pytest.mark.parametrize("letter", ["x", "ä", "…"])
def test_a_long_note_is_cut_as_the_api_server_counts_it(letter: str) -> None:
    event = manifest(OWNER, "41", Told("Retrying", "Migrate", letter * 2000), NOW, "a")
    assert 1020 <= len(event["note"].encode()) <= 1024
    assert event["note"].endswith("…")


def test_an_event_of_a_long_name_has_a_name_that_may_be() -> None:
    owner = replace(OWNER, name=f"{'a' * 199}.{'b' * 53}")
    name = manifest(owner, "41", Told("Applied", "Verify", "It is."), NOW, "a")["metadata"]["name"]
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", name)


def test_a_running_attempt_that_waits_names_who_holds_the_lock() -> None:
    o, made = running()
    seen = after(o, made, attempts=(attempt(),), state=None, blockers=(BLOCKER,))
    done = decide(seen)
    (told,) = between(seen.status, done)
    assert (told.reason, told.warning) == ("Blocked", True)
    assert "pid 7 (nightly report, idle in transaction for 42 s): SELECT 1" in told.note
    assert between(done.status, decide(after(seen, done))) == []
