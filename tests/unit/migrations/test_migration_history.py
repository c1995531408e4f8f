"""The history of a database compared with the files."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from migrations import history
from migrations.errors import ChecksumMismatch, DatabaseAhead, InDoubt, MigrationRefused
from migrations.files import Migration, load
from migrations.history import Entry


@pytest.fixture
def migrations(tmp_path: Path) -> list[Migration]:
    for label in ("0001_a", "0002_b", "0003_c"):
        (tmp_path / f"{label}.up.sql").write_text(f"SELECT '{label}'")
        (tmp_path / f"{label}.down.sql").write_text("SELECT 2")
    return load(tmp_path)


def entry(m: Migration) -> Entry:
    when = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return Entry(m.version, m.name, m.up.sha256, "up", "applied", when, 5, "ucc@host")


def test_an_equal_history_fits(migrations: list[Migration]) -> None:
    assert history.mismatches(migrations, [entry(m) for m in migrations]) == []


def test_an_edited_file_says_to_restore_it(migrations: list[Migration]) -> None:
    entries = [replace(entry(migrations[0]), sha256="0" * 64)]
    (said,) = history.mismatches(migrations, entries)
    assert "0001_a.up.sql was edited after it was applied at 2026-01-02 03:04 UTC" in said
    assert "put the change into a new migration" in said


def test_a_renamed_file_says_to_name_it_back(migrations: list[Migration]) -> None:
    (said,) = history.mismatches(migrations, [replace(entry(migrations[0]), name="old")])
    assert said == "0001_old was applied, but the file is now 0001_a: give the file its name back."


def test_a_newer_database_says_to_use_the_newer_release(migrations: list[Migration]) -> None:
    (said,) = history.mismatches(migrations[:2], [entry(m) for m in migrations])
    assert "The database is at 0003_c (by ucc@host), newer than the files" in said


def test_a_hole_in_the_history_is_named(migrations: list[Migration]) -> None:
    (said,) = history.mismatches(migrations, [entry(migrations[0]), entry(migrations[2])])
    assert said.startswith("The history has no 0002 though later ones are applied")


def test_pending_are_those_after_the_last_applied(migrations: list[Migration]) -> None:
    assert history.pending(migrations, [entry(migrations[0])]) == migrations[1:]
    assert history.pending(migrations, [], to=2) == migrations[:2]


def test_a_target_without_a_file_is_refused(migrations: list[Migration]) -> None:
    with pytest.raises(MigrationRefused, match="There is no 0004: the files end at 0003"):
        history.pending(migrations, [], to=4)


def test_a_target_behind_the_database_names_the_way_back(migrations: list[Migration]) -> None:
    with pytest.raises(MigrationRefused, match="`down 2` goes back"):
        history.pending(migrations, [entry(m) for m in migrations], to=1)


def contract(migration: Migration, least: str) -> Migration:
    return replace(migration, up=replace(migration.up, phase="contract", min_app_version=least))


def test_only_a_contract_file_for_a_newer_release_waits(migrations: list[Migration]) -> None:
    first, second, third = migrations
    todo = [first, contract(second, "1.9.0"), contract(third, "1.10.0")]
    assert history.waiting(todo, None) is None
    assert history.waiting(todo, history.app_version("1.10.0")) is None
    assert history.waiting(todo, history.app_version("1.9.5")) == todo[2]
    assert history.waiting(todo, history.app_version("1.8.0")) == todo[1]
    expand = replace(first, up=replace(first.up, min_app_version="2.0.0"))
    assert history.waiting([expand], history.app_version("1.0.0")) is None


def test_a_history_that_goes_further_is_ahead_unless_it_contradicts(
    migrations: list[Migration],
) -> None:
    entries = [entry(m) for m in migrations]
    with pytest.raises(DatabaseAhead):
        history.check(migrations[:2], entries)
    with pytest.raises(InDoubt, match="0003_c was started by ucc@host"):
        history.check(migrations[:2], [*entries[:2], replace(entries[2], state="started")])
    with pytest.raises(ChecksumMismatch, match="newer than the files"):
        history.check(migrations[:2], [replace(entries[0], sha256="0" * 64), *entries[1:]])


def test_undoable_down_to_a_version(migrations: list[Migration]) -> None:
    entries = [entry(m) for m in migrations]
    assert history.undoable(migrations, entries, None, to=1) == [migrations[2], migrations[1]]
    assert history.undoable(migrations, entries, None, to=3) == []


def test_undoable_are_the_newest_first(migrations: list[Migration]) -> None:
    entries = [entry(m) for m in migrations]
    assert history.undoable(migrations, entries, 2) == [migrations[2], migrations[1]]
    assert len(history.undoable(migrations, entries, 9)) == 3
    assert len(history.undoable(migrations, entries, None)) == 3


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_doubt_tells_how_to_say_what_happened(
    migrations: list[Migration], direction: Literal["up", "down"]
) -> None:
    said = history.doubt(migrations[0], replace(entry(migrations[0]), direction=direction))
    done, not_done = said.split("if it did not, run ")
    kept, gone = (done, not_done) if direction == "up" else (not_done, done)
    assert "SET state = 'applied', direction = 'up' WHERE version = 1" in kept
    assert "DELETE FROM schema_migrations WHERE version = 1" in gone


def test_the_state_of_each_is_one_word(migrations: list[Migration]) -> None:
    first = migrations[0]
    known = entry(first)
    assert history.state_of(first, None) == "pending"
    assert history.state_of(first, known) == "applied"
    assert history.state_of(first, replace(known, state="started")) == "in doubt"
    assert history.state_of(first, replace(known, name="x")) == "renamed"
    assert history.state_of(first, replace(known, sha256="0" * 64)) == "edited"
