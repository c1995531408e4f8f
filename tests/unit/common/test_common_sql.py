"""queries.sql is text between name lines; mistakes in it show at import."""

from pathlib import Path

import pytest

from services.common.sql import Query, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "queries.sql"
    path.write_text(
        "-- The queries of a test.\n\n-- name: one\n-- why\nSELECT 1;\n\n"
        "-- name: two\nSELECT ';'\nWHERE $1 > 0\n"
    )
    return path


def test_each_name_has_its_text(file: Path) -> None:
    queries = load(file)
    assert queries["one"] == Query("one", "-- why\nSELECT 1")
    assert queries["two"].sql == "SELECT ';'\nWHERE $1 > 0"


def test_an_unknown_name_tells_the_known(file: Path) -> None:
    with pytest.raises(KeyError, match=r"three.*one, two"):
        load(file)["three"]


def test_a_name_twice_is_refused(file: Path) -> None:
    file.write_text(file.read_text() + "-- name: one\nSELECT 2\n")
    with pytest.raises(ValueError, match="'one' is defined twice"):
        load(file)


def test_a_file_without_names_is_refused(file: Path) -> None:
    file.write_text("SELECT 1")
    with pytest.raises(ValueError, match="no `-- name"):
        load(file)
