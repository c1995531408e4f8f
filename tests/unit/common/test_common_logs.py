"""A log line is one JSON object that tells where it belongs and no secret."""

import json
import logging
from datetime import datetime, timedelta

import orjson
import pytest

from services.common import context
from services.common.logs import JsonFormatter, configure, redact


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.getLogger("a").makeRecord(
        "a", logging.INFO, "f", 1, message, args, None, extra=extra
    )
    made: dict[str, object] = json.loads(JsonFormatter("things").format(record))
    return made


def test_a_line_has_the_fields_of_the_contract() -> None:
    made = line("read %s rows", 3, register="co")
    assert made["msg"] == "read 3 rows"
    assert (made["level"], made["service"], made["register"]) == ("info", "things", "co")
    assert made["version"]


def test_time_is_utc() -> None:
    stamp = datetime.fromisoformat(str(line("x")["ts"]))
    assert stamp.utcoffset() == timedelta(0)


def test_request_and_job_of_the_task_are_told() -> None:
    request, job = context.request_id.set("r1"), context.job_id.set(7)
    try:
        made = line("x")
    finally:
        context.request_id.reset(request)
        context.job_id.reset(job)
    assert (made["request_id"], made["job_id"]) == ("r1", 7)


def test_outside_a_request_there_is_no_request_id() -> None:
    assert "request_id" not in line("x")


def test_a_value_that_json_does_not_know_is_written_as_text() -> None:
    assert line("x", what={1: object})["what"] == {"1": "<class 'object'>"}


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_a_strange_value_loses_no_line(value: object) -> None:
    assert line("kept", what=value)["msg"] == "kept"


def test_an_exception_brings_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    configure("things", "info")
    try:
        try:
            raise ValueError("bad\nday")
        except ValueError:
            logging.getLogger("b").exception("failed")
    finally:
        logging.root.handlers[:] = before[0]
        logging.root.setLevel(before[1])
        logging.captureWarnings(capture=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    made = orjson.loads(lines[0])
    assert made["error"] == "ValueError"
    assert "Traceback" in made["traceback"]


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ucc:hunter2@db:5432/ucc",
        "redis://:hunter2@cache:6379/0",
        "host=db password=hunter2 user=ucc",
        "ALTER ROLE app PASSWORD 'hunter2'; SELECT 1",
        "create user app with encrypted password  E'it''s hunter2' valid until 'infinity'",
        "ALTER ROLE app PASSWORD 'hunter2 which is c",
        "Authorization: Bearer hunter2hunter2",
        "authorization: Basic aHVudGVyMmh1bnRlcjI=",
        "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl",
    ],
)
def test_secrets_are_masked(text: str) -> None:
    masked = redact(text)
    assert "***" in masked
    assert "hunter2" not in masked
    assert "aHVudGVy" not in masked
    assert "eyJ" not in masked


def test_a_masked_line_is_still_json() -> None:
    made = line("to %s", "postgres://u:hunter2@h/d", headers={"Authorization": "Bearer abcdefghi"})
    assert made["msg"] == "to postgres://u:***@h/d"
    assert made["headers"] == {"Authorization": "Bearer ***"}


def test_what_follows_a_password_in_a_statement_stays() -> None:
    masked = redact("ALTER ROLE a PASSWORD 'x''y' VALID UNTIL 'infinity'; SELECT 'z'")
    assert masked == "ALTER ROLE a PASSWORD '***' VALID UNTIL 'infinity'; SELECT 'z'"


def test_an_address_without_a_password_stays() -> None:
    assert redact("http://127.0.0.1:8001/health?x=a@b") == "http://127.0.0.1:8001/health?x=a@b"
