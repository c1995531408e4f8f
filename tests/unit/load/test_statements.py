"""Pages as psql scripts: the store's statements with constants put in, rows as CSV."""

from datetime import date
from pathlib import Path

import pytest

from services.pipelines.ingestion import store
from services.pipelines.ingestion.records import Document, Party
from tests.load.statements import Script, Statement, as_one, cell, psql_script, substitute

AS_OF = date(2026, 11, 23)
DOCUMENT = Document(
    "20261", "20261", "initial", 'UCC-1, "initial"', "ucc", AS_OF, None, None, b"\x01\xff",
    parties=(Party("debtor", "7", "KING, LLC", True, True, "KING", trade_names=('A "B"',)),),
)  # fmt: skip


async def merged(folder: Path) -> Script:
    script = Script(folder, 3)
    await store.merge(script, "sample", "CO", [DOCUMENT], AS_OF)
    return script


def test_parameters_become_literals() -> None:
    sql = "SELECT $1, $2::date, $10 - 1 FROM t WHERE a = $1"
    args = ["O'NEIL", AS_OF, *range(7), 200]
    assert substitute(sql, args) == (
        "SELECT 'O''NEIL', '2026-11-23'::date, 200 - 1 FROM t WHERE a = 'O''NEIL'"
    )


def test_a_value_without_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="teach"):
        substitute("SELECT $1", [object()])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", '""'),
        ("plain", "plain"),
        ('a "b", c', '"a ""b"", c"'),
        ("two\nlines", '"two\nlines"'),
        ("\\.", '"\\."'),
        (True, "t"),
        (False, "f"),
        (AS_OF, "2026-11-23"),
        (b"\x00\xff", "\\x00ff"),
        ((), "{}"),
        (("a", 'b"c\\'), '"{""a"",""b\\""c\\\\""}"'),
    ],
)
def test_cells_are_postgres_csv(value: object, text: str) -> None:
    assert cell(value) == text


async def test_a_script_runs_what_the_store_runs(tmp_path: Path) -> None:
    script = await merged(tmp_path)
    names = [statement.name for statement in script.statements]
    assert names[0] == "stage_documents"
    assert names.index("copy_stage_parties") < names.index("lock_register")
    assert names.index("lock_register") < names.index("insert_filings")
    assert names[-2:] == ["publish_changed", "merge_counts"]
    assert not any("$" in statement.text for statement in script.statements)


async def test_rows_go_to_a_file_of_the_page(tmp_path: Path) -> None:
    script = await merged(tmp_path)
    path = tmp_path / "stage_documents-00003.csv"
    assert path.read_text().startswith('20261,20261,initial,"UCC-1, ""initial""",ucc,2026-11-23,,')
    (copy,) = [s for s in script.statements if s.name == "copy_stage_documents"]
    assert copy.text.startswith("\\copy stage_documents (number, initial_number,")
    assert copy.text.endswith(f"from '{path}' (format csv)")
    assert script.rows == {"stage_documents": 1, "stage_parties": 1, "stage_collateral": 0}


def test_a_page_is_a_transaction_with_named_statements() -> None:
    text = psql_script([[Statement("one", "SELECT 1;")]])
    assert text.splitlines() == [
        "\\timing on", "\\echo begin", "BEGIN;", "\\echo one", "SELECT 1;", "\\echo commit",
        "COMMIT;",
    ]  # fmt: skip


def test_one_big_page_copies_all_and_merges_once() -> None:
    make, merge = Statement("make", "CREATE;"), Statement("merge", "INSERT;")
    pages = [[make, Statement("c", f"\\copy {n}", copy=True), merge] for n in (1, 2)]
    assert [s.text for s in as_one(pages)] == ["CREATE;", "\\copy 1", "\\copy 2", "INSERT;"]
