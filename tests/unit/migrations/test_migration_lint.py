"""Rules for the files that will be written next."""

from pathlib import Path

import pytest

from migrations import lint
from migrations.files import load

HEADER = "-- phase: expand\n-- transaction: true\n-- min_app_version: 0.1.0\n\n"


def problems(folder: Path, up: str, down: str = "SELECT 1", label: str = "0001_a") -> list[str]:
    (folder / f"{label}.up.sql").write_text(up)
    (folder / f"{label}.down.sql").write_text(down)
    return lint.problems(load(folder))


def test_a_well_formed_pair_passes(tmp_path: Path) -> None:
    assert problems(tmp_path, f"{HEADER}CREATE TABLE t ()", "DROP TABLE t") == []


def test_each_missing_header_line_is_named(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "SELECT 1")) == 3


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE t",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "ALTER TABLE t RENAME TO u",
    ],
)
def test_breaking_the_release_before_needs_the_contract_phase(
    tmp_path: Path, statement: str
) -> None:
    (said,) = problems(tmp_path, HEADER + statement)
    assert "write `-- phase: contract`" in said
    assert problems(tmp_path, HEADER.replace("expand", "contract") + statement) == []


@pytest.mark.parametrize("statement", ["GRANT SELECT ON t TO r", "CREATE SCHEMA s"])
def test_rights_and_schemas_are_not_for_migrations(tmp_path: Path, statement: str) -> None:
    (said,) = problems(tmp_path, HEADER + statement)
    assert "belong to the installation" in said


def test_a_setting_ends_with_its_transaction(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, f"{HEADER}SET jit = off", "SET LOCAL jit = off")
    assert "0001_a.up.sql line 5: write SET LOCAL" in said


def test_a_long_name_is_refused(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, f"{HEADER}SELECT 1", label=f"0001_{'a' * 60}")
    assert "shorter name" in said


CONTRACT = "-- phase: contract\n-- transaction: true\n-- min_app_version: 1.4.0\n\nSELECT 1"


def test_an_expand_file_after_a_contract_file_needs_a_release_in_between(tmp_path: Path) -> None:
    problems(tmp_path, f"{HEADER}SELECT 1", label="0001_a")
    assert problems(tmp_path, CONTRACT, label="0002_b") == []
    problems(tmp_path, f"{HEADER}SELECT 1", label="0003_c")
    for release in ("1.3.9", "1.4.0"):
        (said,) = lint.problems(load(tmp_path), release)
        assert "0002_b.up.sql waits until release 1.4.0 runs everywhere" in said
        assert "waits for 0003_c, which comes after it: give it a number above 0003" in said
    assert lint.problems(load(tmp_path), "1.4.1") == []
