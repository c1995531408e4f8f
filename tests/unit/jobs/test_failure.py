"""What a failed attempt means: retry or dead, when, and what is kept of it."""

import pytest

from services.common.errors import SourceRejected, SourceUnavailable
from services.common.kafka import failure
from services.common.kafka.failure import backoff, describe, fingerprint, retry_in


def raised(error: BaseException) -> BaseException:
    """`error` with a traceback."""
    try:
        raise error
    except BaseException as exc:
        return exc


@pytest.mark.parametrize(("attempt", "most"), [(1, 2), (2, 4), (5, 32), (9, 300), (1000, 300)])
def test_back_off_doubles_up_to_its_cap(attempt: int, most: float) -> None:
    waits = [backoff(attempt) for _ in range(300)]
    assert min(waits) >= 0
    assert most * 0.8 < max(waits) <= most


def test_retry_after_is_a_floor() -> None:
    waits = {backoff(1, retry_after=60) for _ in range(50)}
    assert min(waits) >= 60 and max(waits) <= 62 and len(waits) > 1


def test_what_a_source_asks_for_is_respected() -> None:
    wait = retry_in(SourceUnavailable(retry_after=100), attempt=1, max_attempts=3)
    assert wait is not None and wait >= 100


def test_an_unknown_failure_is_retried_to_the_last_attempt() -> None:
    assert retry_in(ValueError(), attempt=2, max_attempts=3) is not None
    assert retry_in(ValueError(), attempt=3, max_attempts=3) is None


def test_a_named_failure_says_itself_whether_a_retry_helps() -> None:
    assert retry_in(SourceRejected(), attempt=1, max_attempts=3) is None
    assert retry_in(SourceUnavailable(), attempt=1, max_attempts=3) is not None


def test_the_description_has_what_a_person_needs() -> None:
    found = describe(raised(SourceRejected("no such data set")))
    assert found["class"] == "SourceRejected"
    assert found["message"] == "no such data set"
    assert "test_failure.py" in found["traceback"]
    assert found["retryable"] is False


def test_the_description_can_be_stored_and_hides_secrets() -> None:
    text = "nul \0 surrogate \udcff postgresql://u:hunter2@h/db"
    found = describe(raised(ValueError(text)))
    assert found["message"] == "nul  surrogate ? postgresql://u:***@h/db"
    assert "hunter2" not in found["traceback"]


def test_a_failure_without_words_is_called_by_its_class() -> None:
    assert describe(raised(TimeoutError()))["message"] == "TimeoutError"


def test_long_texts_are_cut() -> None:
    found = describe(raised(ValueError("x" * 50_000)))
    assert len(found["message"]) == failure._MESSAGE_LIMIT
    assert len(found["traceback"]) == failure._TRACEBACK_LIMIT


def test_failures_of_one_cause_have_one_fingerprint() -> None:
    def fail(text: str) -> str:
        return fingerprint(raised(ValueError(text)))

    assert fail("row 17 of 'a.csv'") == fail("row 9 of 'b.csv'")
    assert fail("row 17") != fail("column 17")
    assert fail("x") != fingerprint(raised(TypeError("x")))
