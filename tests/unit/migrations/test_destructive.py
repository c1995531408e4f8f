"""Which statements destroy data."""

import pytest

from migrations import destructive
from migrations.files import load
from migrations.statements import split


def found(sql: str) -> list[str]:
    return [what for _, what in destructive.found(split(sql))]


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DROP TABLE IF EXISTS a", "DROP TABLE"),
        ("drop materialized view v", "DROP MATERIALIZED VIEW"),
        ("DROP SCHEMA s CASCADE", "DROP SCHEMA"),
        ("DROP TYPE t", "DROP TYPE"),
        ("DROP VIEW v CASCADE", "DROP ... CASCADE"),
        ("TRUNCATE a, b", "TRUNCATE"),
        ("ALTER TABLE a DROP COLUMN b", "DROP COLUMN"),
        ("ALTER TABLE a ADD COLUMN c int, DROP b", "DROP COLUMN"),
        ('ALTER TABLE a DROP "b"', "DROP COLUMN"),
        ("ALTER TABLE a DROP CONSTRAINT b CASCADE", "DROP ... CASCADE"),
        ("ALTER TYPE t DROP ATTRIBUTE x", "DROP ATTRIBUTE"),
        ("ALTER TABLE a DROP identity", "DROP COLUMN"),
        ("ALTER TABLE a ALTER b TYPE int, DROP expression", "DROP COLUMN"),
        ("DO $$ BEGIN DROP TABLE a; END $$", "DROP TABLE in a DO block"),
        ("DO 'BEGIN EXECUTE ''TRUNCATE '' || t; END'", "TRUNCATE in a DO block"),
        (
            "DO $a$ BEGIN EXECUTE format($$ALTER TABLE %I DROP COLUMN b$$, t); END $a$",
            "DROP COLUMN in a DO block",
        ),
        (
            "DO $$ BEGIN DELETE FROM a; UPDATE b SET c = 1 WHERE d; END $$",
            "DELETE without WHERE in a DO block",
        ),
        ("DO $$ BEGIN DROP VIEW v CASCADE; END $$", "DROP ... CASCADE in a DO block"),
        ("DELETE FROM a", "DELETE without WHERE"),
        ("WITH gone AS (SELECT 1) DELETE FROM a USING gone", "DELETE without WHERE"),
    ],
)
def test_what_destroys_data_is_found(sql: str, what: str) -> None:
    assert found(sql) == [what]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP INDEX a",
        "DROP VIEW v",
        "DROP FUNCTION f()",
        "ALTER TABLE a DROP CONSTRAINT b",
        "ALTER TABLE a ALTER b DROP NOT NULL, ALTER c DROP DEFAULT, ALTER d DROP EXPRESSION",
        "ALTER TABLE a ALTER b DROP IDENTITY",
        "DELETE FROM a WHERE b",
        "DO $$ BEGIN -- not: DROP TABLE a;\n DELETE FROM a WHERE b; DROP INDEX c; END $$",
        "DO $$ BEGIN CREATE TRIGGER t BEFORE DELETE OR TRUNCATE ON a EXECUTE FUNCTION f(); END $$",
        "DO $$ BEGIN ALTER TABLE a DROP CONSTRAINT b, ALTER COLUMN c DROP NOT NULL; END $$",
        "CREATE TABLE a (b int REFERENCES c ON DELETE CASCADE)",
        "CREATE RULE r AS ON INSERT TO a DO ALSO DELETE FROM b",
        "INSERT INTO a VALUES ('DROP TABLE a; TRUNCATE a')",
        "ALTER TABLE a ADD COLUMN b int",
    ],
)
def test_what_destroys_nothing_is_not_found(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    ("sql", "seen"),
    [
        ("DO $$ BEGIN FOR r IN SELECT c FROM q LOOP EXECUTE r.c; END LOOP; END $$", True),
        ("DO $$ BEGIN EXECUTE format('CREATE TABLE %I ()', a); END $$", True),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$", False),
        ("DO $$ BEGIN CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f(); END $$", False),
        ("DO $$ BEGIN PERFORM 1; END $$", False),
        ("CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f()", False),
    ],
)
def test_a_block_that_executes_made_up_text_is_seen(sql: str, seen: bool) -> None:
    assert bool([*destructive.hidden(split(sql))]) is seen


def test_our_own_expand_files_destroy_nothing() -> None:
    ups = [m.up for m in load() if m.up.phase == "expand"]
    assert [s.path.name for s in ups if [*destructive.found(s.statements)]] == []
