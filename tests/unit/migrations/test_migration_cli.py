"""The command line without a database."""

from pathlib import Path

import pytest

from migrations.cli import main


@pytest.fixture
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_DIRECT_URL", raising=False)


@pytest.mark.usefixtures("no_environment")
def test_an_unset_url_is_named_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["up"])
    assert caught.value.code == 2
    assert "DATABASE_DIRECT_URL" in capsys.readouterr().err


@pytest.mark.usefixtures("no_environment")
def test_lint_needs_no_database(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint"]) == 0
    assert "migrations are well formed" in capsys.readouterr().out


def test_lint_asks_squawk_and_knows_the_exceptions_beside_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = "-- phase: expand\n-- transaction: true\n-- min_app_version: 0.1.0\n\n"
    (tmp_path / "0001_a.up.sql").write_text(f"{header}CREATE INDEX i ON t (a);")
    (tmp_path / "0001_a.down.sql").write_text("DROP INDEX i;")
    assert main(["--dir", str(tmp_path), "lint"]) == 1
    assert "0001_a.up.sql line 5: require-concurrent-index-creation" in capsys.readouterr().err
    (tmp_path / "lint.toml").write_text(
        '[[exceptions]]\nfile = "0001_a.up.sql"\nrule = "require-concurrent-index-creation"\n'
        'reason = "t is small"\n'
    )
    assert main(["--dir", str(tmp_path), "lint"]) == 0
    (tmp_path / "0001_a.up.sql").write_text(f"{header}SELECT 1;")
    assert main(["--dir", str(tmp_path), "lint"]) == 1
    assert "unused-exception" in capsys.readouterr().err


def test_bad_files_are_refused_before_a_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", "postgres://nobody@127.0.0.1:1/none")
    (tmp_path / "0001_a.up.sql").write_text("SELECT 1")
    assert main(["--dir", str(tmp_path), "up"]) == 1
    assert "0001_a.down.sql is missing" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_one_sentence_without_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", "postgres://me:secret@127.0.0.1:1/none")
    assert main(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("PostgreSQL at 127.0.0.1:1/none cannot be used")
    assert "secret" not in said


@pytest.mark.parametrize("argv", [["down", "0"], ["down", "x"], ["up", "--to", "-1"], ["rise"]])
def test_wrong_usage_exits_2(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2


@pytest.mark.parametrize("mark", ["#", "/", "?", "["])
def test_a_password_that_is_not_encoded_is_one_sentence_without_it(
    mark: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", f"postgres://me:hun{mark}ter@127.0.0.1:1/none")
    assert main(["status"]) == 1
    said = capsys.readouterr()
    assert "no DSN" in said.err and "%23" in said.err
    assert "hun" not in said.err + said.out and "Traceback" not in said.err
