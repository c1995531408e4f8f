"""The report of a run: what it says, and that it always fits."""

import asyncio
import json
from pathlib import Path

import pytest

from migrations import errors, report
from migrations.report import CODES, Journal, Ran
from migrations.session import Backend
from services.common.errors import AppError, known

DONE = Journal(target=2, checksum="c", version=2, applied=[Ran(1, "a", 4), Ran(2, "b", 5)])
LONG = "ä" * 5000


def ours() -> list[type[AppError]]:
    return [cls for cls in known() if cls.__module__ == errors.__name__]


def test_a_run_without_an_error_is_applied_and_has_no_code() -> None:
    made = report.build(DONE, None)
    assert (made["outcome"], made["code"], made["retryable"]) == ("applied", None, False)
    assert made["applied"] == [
        {"version": 1, "name": "a", "ms": 4},
        {"version": 2, "name": "b", "ms": 5},
    ]


def test_a_waiting_file_is_an_answer_and_no_failure() -> None:
    late = {"file": "0003_c.up.sql", "min_app_version": "1.2.0"}
    made = report.build(Journal(version=2, waiting=late), None)
    assert (made["outcome"], made["code"], made["waiting"]) == ("waiting", None, late)
    assert "0003_c.up.sql waits until every process runs release 1.2.0" in made["message"]


def test_a_newer_database_is_ahead() -> None:
    made = report.build(DONE, errors.DatabaseAhead("newer"))
    assert (made["outcome"], made["code"], made["retryable"]) == ("ahead", None, False)


@pytest.mark.parametrize("kind", ours())
def test_every_error_has_a_code_of_the_list(kind: type[AppError]) -> None:
    base = {errors.MigrationRefused, errors.MigrationFailed, errors.DatabaseAhead}
    assert kind in base or report.code_of(kind()) in {*CODES} - {"internal"}


def test_every_code_but_internal_has_an_error() -> None:
    assert {report.code_of(kind()) for kind in ours()} >= {*CODES}


@pytest.mark.parametrize(
    ("error", "outcome", "code", "retryable"),
    [
        (errors.ChecksumMismatch(), "refused", "checksum_mismatch", False),
        (errors.NameTaken(), "refused", "statement_failed", True),
        (errors.LockedOut(), "failed", "locked_out", True),
        (errors.StatementFailed(), "failed", "statement_failed", True),
        (asyncio.CancelledError(), "stopped", "stopped", True),
        (KeyboardInterrupt(), "stopped", "stopped", True),
        (ZeroDivisionError("by us"), "failed", "internal", True),
    ],
)
def test_what_happened_is_one_outcome(
    error: BaseException, outcome: str, code: str, retryable: bool
) -> None:
    made = report.build(DONE, error)
    assert (made["outcome"], made["code"], made["retryable"]) == (outcome, code, retryable)


def test_a_failing_statement_and_the_blockers_are_told() -> None:
    blocker = Backend(7, "u", "app", "idle in transaction", "LOCK\n  TABLE a", 41.6)
    error = errors.LockTimeout(
        "no lock", file="0001_a.up.sql", line=3, statement="ALTER", blockers=[blocker]
    )
    made = report.build(DONE, error)
    assert (made["file"], made["line"], made["statement"]) == ("0001_a.up.sql", 3, "ALTER")
    assert made["blockers"] == [
        {
            "pid": 7,
            "user": "u",
            "application": "app",
            "state": "idle in transaction",
            "seconds": 42,
            "query": "LOCK TABLE a",
        }
    ]


def long_report() -> dict[str, object]:
    journal = Journal(
        target=900,
        checksum="c" * 64,
        version=900,
        applied=[Ran(n, f"a_name_that_is_long_{n}", 5) for n in range(1, 901)],
        lint={"checked": 900, "findings": [{"rule": "r", "message": LONG} for _ in range(50)]},
        fingerprint="f" * 64,
    )
    blockers = [Backend(n, "u", "a", "active", LONG, 1) for n in range(200)]
    error = errors.LockTimeout(LONG, statement=LONG, error=LONG, blockers=blockers)
    return report.build(journal, error)


def test_a_long_report_is_cut_to_what_a_termination_message_holds() -> None:
    written = report.text(long_report())
    assert len(written.encode()) <= 4000
    made = json.loads(written)
    assert made["code"] == "lock_timeout"
    assert made["message"].endswith("…")
    assert made["applied"][-1]["version"] == 900
    assert len(made["applied"]) + made["more"]["applied"] == 900
    assert len(made["blockers"]) + made["more"]["blockers"] == 200
    assert len(made["lint"]["findings"]) + made["more"]["findings"] == 50


def test_remarks_are_cut_before_what_was_done() -> None:
    findings = [{"rule": "r", "message": "m" * 200, "level": "excepted"} for _ in range(40)]
    applied = [Ran(n, "a_name", 5) for n in range(1, 31)]
    made = json.loads(
        report.text(report.build(Journal(applied=applied, lint={"findings": findings}), None))
    )
    assert len(made["applied"]) == 30
    assert made["more"] == {"findings": 40 - len(made["lint"]["findings"])}
    assert len(made["lint"]["findings"]) >= 3


def test_a_short_report_is_not_cut() -> None:
    assert json.loads(report.text(report.build(DONE, None))) == report.build(DONE, None)


def test_passwords_are_not_written() -> None:
    said = report.text(report.build(DONE, AppError("postgres://me:secret@host/db broke")))
    assert "secret" not in said


def test_the_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("x" * 9000)
    report.write(path, report.build(DONE, None))
    assert json.loads(path.read_text())["outcome"] == "applied"
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_file_in_a_folder_that_takes_no_other_is_written_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "termination-log"
    path.write_text("")

    def mounted(self: Path, target: Path) -> Path:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", mounted)
    report.write(path, report.build(DONE, None))
    assert json.loads(path.read_text())["outcome"] == "applied"
    assert [p.name for p in tmp_path.iterdir()] == ["termination-log"]
