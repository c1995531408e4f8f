"""Where statements of a script end."""

import pytest

from migrations.statements import split, unclosed


def sqls(script: str) -> list[str]:
    return [s.sql for s in split(script)]


def test_statements_end_at_semicolons_and_the_last_needs_none() -> None:
    assert sqls("SELECT 1; SELECT 2") == ["SELECT 1", "SELECT 2"]


def test_empty_statements_and_comments_do_not_count() -> None:
    assert sqls("-- a;\n;;\n/* b; /* nested; */ c; */ ;") == []


@pytest.mark.parametrize(
    "quoted",
    ["'a;''b'", r"E'a\';b'", '"a;""b"', "$$a;b$$", "$x$a;$$;$y$;$x$", "/* ; */ 1", "1 -- ;\n"],
)
def test_a_semicolon_inside_quotes_or_comments_ends_nothing(quoted: str) -> None:
    assert len(split(f"SELECT {quoted}; SELECT 2;")) == 2


def test_a_dollar_inside_a_name_opens_no_quote() -> None:
    assert len(split("SELECT a$b$ FROM t; SELECT 2; SELECT $b$;$b$")) == 3


def test_the_body_of_an_sql_standard_function_is_one_statement() -> None:
    body = "BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END"
    script = f"CREATE OR REPLACE FUNCTION f(a bool) RETURNS int LANGUAGE sql {body}; SELECT 3;"
    assert len(split(script)) == 2


def test_the_line_is_that_of_the_first_token_after_comments() -> None:
    assert [s.line for s in split("-- head\n\nSELECT 1;\n/* x\n */\nSELECT 2;")] == [3, 6]


def test_words_are_lower_case_and_leave_out_what_is_quoted() -> None:
    (statement,) = split("Create TABLE \"Drop\" (a text DEFAULT 'vacuum')")
    assert statement.words == ("create", "table", "a", "text", "default")


def test_an_unclosed_comment_reaches_to_the_end() -> None:
    assert sqls("SELECT 1; /* SELECT 2;") == ["SELECT 1"]


@pytest.mark.parametrize(
    ("script", "place"),
    [
        ("SELECT 1;\n/* a /* b */ SELECT 2;", (2, "/*")),
        ("SELECT 1;\n\nSELECT 'it''s; SELECT 2", (3, "'")),
        ('SELECT "a; SELECT 2', (1, '"')),
        ("SELECT $a$ $$ ; SELECT 2", (1, "$")),
        ("SELECT 1 -- it's\n, $$'$$, E'\\'', a$$, $1", None),
    ],
)
def test_what_is_opened_and_never_closed_is_found(
    script: str, place: tuple[int, str] | None
) -> None:
    assert unclosed(script) == place


def test_a_comment_ends_at_any_line_end_as_in_postgresql() -> None:
    assert sqls("SELECT 1; -- old line ends\rSELECT 2;") == ["SELECT 1", "SELECT 2"]


def test_parentheses_hold_the_actions_of_a_rule_together() -> None:
    rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)"
    assert sqls(f"{rule}; SELECT 1") == [rule, "SELECT 1"]


def test_a_statement_knows_where_it_stands_as_it_was_written() -> None:
    script = "-- head\nSELECT 1 -- one\n;  /* two */ SELECT ';'"
    one, two = split(script)
    assert script[one.start : one.end] == "SELECT 1 -- one\n"
    assert script[two.start : two.end] == "SELECT ';'"
