"""What was changed between two readings of a schema, told to people."""

from datetime import UTC, datetime

import pytest

from migrations.catalog import Catalog, Thing
from migrations.difference import difference

TABLE = "CREATE TABLE prospects (\n    id uuid NOT NULL,\n    note text,\n    {}\n);"
CHECK = "CONSTRAINT positive CHECK (score > 0)"
PROSPECTS = Thing("table", "prospects", "prospects", TABLE.format(CHECK))
INDEX = Thing("index", "idx_x", "prospects", "CREATE INDEX idx_x ON prospects (note);")
KEY = Thing("key", "prospects.prospects_pkey", "prospects", "ALTER TABLE prospects ADD ...;")
VIEW = Thing("view", "v", None, "CREATE VIEW v AS SELECT 1;")


def catalog(*things: Thing) -> Catalog:
    text = "".join(sorted(t.ddl for t in things))
    return Catalog(3, 15, text, datetime(2026, 1, 2, tzinfo=UTC), things)


def table(ddl: str) -> Thing:
    return Thing("table", "prospects", "prospects", ddl)


def changed(ddl: str) -> list[str]:
    return difference(catalog(PROSPECTS), catalog(table(ddl)))


def test_equal_readings_do_not_differ() -> None:
    assert difference(catalog(PROSPECTS, INDEX), catalog(INDEX, PROSPECTS)) == []


def test_what_is_gone_or_new_is_named_with_its_table() -> None:
    assert difference(catalog(PROSPECTS, INDEX, KEY), catalog(PROSPECTS, VIEW)) == [
        "index idx_x on prospects is gone",
        "key prospects_pkey on prospects is gone",
        "view v was added",
    ]


def test_what_goes_with_its_table_is_not_told_as_well() -> None:
    assert difference(catalog(PROSPECTS, INDEX, KEY), catalog()) == ["table prospects is gone"]
    assert difference(catalog(), catalog(PROSPECTS, INDEX)) == ["table prospects was added"]


@pytest.mark.parametrize(
    ("ddl", "line"),
    [
        (
            TABLE.format(f"extra integer NOT NULL DEFAULT 0,\n    {CHECK}"),
            "column prospects.extra was added: integer NOT NULL DEFAULT 0",
        ),
        (
            TABLE.format(CHECK).replace("    note text,\n", ""),
            "column prospects.note is gone: text",
        ),
        (
            TABLE.format(CHECK).replace("note text", "note character varying(9)"),
            "column prospects.note was changed: text -> character varying(9)",
        ),
        (
            TABLE.format(CHECK).replace("> 0", "> 1"),
            "check prospects.positive was changed: CHECK (score > 0) -> CHECK (score > 1)",
        ),
        (
            TABLE.format(CHECK).replace(");", ") WITH (fillfactor=80);"),
            "table prospects was changed: CREATE TABLE prospects; -> "
            "CREATE TABLE prospects WITH (fillfactor=80);",
        ),
    ],
)
def test_a_changed_table_says_which_part(ddl: str, line: str) -> None:
    assert changed(ddl) == [line]


def test_quoted_names_stay_quoted() -> None:
    ddl = TABLE.format(f'"odd ""Name" text,\n    {CHECK}')
    assert changed(ddl) == ['column prospects."odd ""Name" was added: text']


def test_an_index_that_became_invalid_is_told_as_such() -> None:
    broken = Thing("index", "idx_x", "prospects", f"{INDEX.ddl} -- invalid")
    (line,) = difference(catalog(INDEX), catalog(broken))
    assert line.startswith("index idx_x on prospects is invalid")


def test_what_is_short_is_shown_before_and_after() -> None:
    other = Thing("index", "idx_x", "prospects", "CREATE INDEX idx_x ON prospects (id);")
    (line,) = difference(catalog(INDEX), catalog(other))
    assert line == f"index idx_x on prospects was changed: {INDEX.ddl} -> {other.ddl}"
    long = Thing("view", "v", None, f"CREATE VIEW v AS SELECT {'1, ' * 200}2;")
    assert difference(catalog(VIEW), catalog(long)) == ["view v was changed"]


def test_comments_are_named_by_what_they_describe() -> None:
    comment = Thing("comment", "COLUMN prospects.note", "prospects", "COMMENT ON ...;")
    assert difference(catalog(PROSPECTS), catalog(PROSPECTS, comment)) == [
        "the comment on COLUMN prospects.note was added"
    ]


def test_no_more_lines_than_asked_for() -> None:
    views = [Thing("view", f"v{n}", None, f"CREATE VIEW v{n} AS SELECT 1;") for n in range(9)]
    lines = difference(catalog(), catalog(*views), most=4)
    assert lines == [*(f"view v{n} was added" for n in range(3)), "and 6 more"]
