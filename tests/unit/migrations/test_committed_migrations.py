"""The files of this repository."""

from migrations import lint, schema
from migrations.files import load
from migrations.schema import SCHEMA_SQL


def test_the_files_load_and_follow_the_rules() -> None:
    assert lint.problems(load()) == []


def test_schema_sql_was_made_from_these_files() -> None:
    committed = schema.source_of(SCHEMA_SQL.read_text(encoding="utf-8"))
    assert committed == schema.source(load()), "run `python -m migrations schema` and commit"
