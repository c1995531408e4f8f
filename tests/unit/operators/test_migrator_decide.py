"""What is decided from one look: the way from nothing to Ready, and what is never done."""

from dataclasses import replace
from datetime import timedelta

from operators.migrator.decide import decide
from tests.unit.operators.looks import (
    NOW,
    after,
    attempt,
    ended,
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


def test_a_pending_migration_starts_one_attempt() -> None:
    _, made = running()
    assert made.start is not None
    assert (made.start.attempt, made.start.mode, made.start.to) == (1, "up", None)
    assert (reason(made), holds(made, "Reconciling"), holds(made, "Stalled")) == (
        *("Progressing", True),
        None,
    )


def test_a_running_attempt_is_left_alone() -> None:
    o, made = running()
    again = decide(after(o, made, attempts=(attempt(),), state=None))
    assert (again.start, again.delete, reason(again)) == (None, (), "Progressing")


def test_ready_is_what_the_database_says() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=(ended(),), state=state(2)))
    assert (reason(done), holds(done, "Ready")) == ("Applied", True)
    assert holds(done, "Reconciling") is None
    assert [a["version"] for a in done.status["applied"]] == [1, 2]


def test_a_job_that_says_applied_is_not_believed() -> None:
    o, made = running()
    done = decide(after(o, made, attempts=(ended(),), state=state(1)))
    assert (reason(done), holds(done, "Ready")) == ("Retrying", False)
    assert done.start is None


def test_a_database_at_its_target_needs_no_job() -> None:
    made = decide(look(state=state(2)))
    assert (made.start, reason(made)) == (None, "Applied")


def test_a_look_at_what_is_known_changes_nothing() -> None:
    o = look(state=state(2))
    made = decide(o)
    later = replace(after(o, made), now=NOW + timedelta(seconds=120))
    assert decide(later).status == made.status


def test_what_is_newer_is_ready_and_stays() -> None:
    made = decide(look(state=state(3)))
    assert (made.start, reason(made), holds(made, "Ready")) == (None, "Ahead", True)
    assert "0003" in message(made)


def test_an_edited_file_is_named_without_a_job() -> None:
    made = decide(look(files=files(2, edited=1), state=state(2)))
    assert (made.start, reason(made), holds(made, "Stalled")) == (None, "ChecksumMismatch", True)
    assert "0001_t1.up.sql" in message(made)


def test_an_image_tells_its_target_by_the_first_attempt() -> None:
    o = look(image(), files=None, state=state(2))
    made = decide(o)
    assert made.start is not None
    report = ended(checksum=sum_of(2))
    done = decide(after(o, made, attempts=(report,)))
    assert (reason(done), done.start, done.status["targetVersion"]) == ("Applied", None, 2)
