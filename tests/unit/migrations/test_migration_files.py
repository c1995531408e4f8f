"""What the loader of migration files refuses, and what it says to do."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from migrations.errors import MigrationRefused, SourceInvalid
from migrations.files import IndexChange, checksum, load, load_mapping, read

Pair = Callable[..., None]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    def write(label: str, up: str = "SELECT 1", down: str = "SELECT 2") -> None:
        (tmp_path / f"{label}.up.sql").write_text(up)
        (tmp_path / f"{label}.down.sql").write_text(down)

    return write


def refusal(folder: Path) -> str:
    with pytest.raises(MigrationRefused) as caught:
        load(folder)
    return caught.value.detail


def test_pairs_come_in_order_with_their_header(tmp_path: Path, pair: Pair) -> None:
    pair("0002_b", "-- phase: contract\n-- min_app_version: 1.2.0\n\nSELECT 1")
    pair("0001_a")
    first, second = load(tmp_path)
    assert (first.label, first.up.phase, first.up.transaction) == ("0001_a", "expand", True)
    assert (second.version, second.name) == (2, "b")
    assert (second.up.phase, second.up.min_app_version) == ("contract", "1.2.0")


def test_a_header_line_after_the_first_statement_is_a_plain_comment(tmp_path: Path) -> None:
    path = tmp_path / "0001_a.up.sql"
    path.write_text("SELECT 1;\n-- transaction: false\n")
    assert read(path).transaction


def test_the_checksum_does_not_depend_on_line_ends(tmp_path: Path) -> None:
    unix, dos = tmp_path / "a.sql", tmp_path / "b.sql"
    unix.write_bytes(b"SELECT 1;\nSELECT 2;\n")
    dos.write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert read(unix).sha256 == read(dos).sha256


def test_a_missing_down_file_is_named(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    (tmp_path / "0001_a.down.sql").unlink()
    assert "0001_a.down.sql is missing" in refusal(tmp_path)


def test_a_missing_up_file_is_named(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    (tmp_path / "0001_a.up.sql").unlink()
    assert "0001_a.up.sql is missing" in refusal(tmp_path)


def test_a_gap_names_the_number(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    pair("0003_c")
    assert "Number 0002 is missing: restore its files or renumber" in refusal(tmp_path)


def test_the_first_number_is_one(tmp_path: Path, pair: Pair) -> None:
    pair("0000_a")
    assert "the first migration is 0001" in refusal(tmp_path)


def test_a_duplicate_number_names_both_and_the_next_free_one(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    pair("0001_b")
    pair("0002_c")
    said = refusal(tmp_path)
    assert "Number 0001 is used by 0001_a and 0001_b: give the newer one 0003" in said


def test_an_unknown_file_name_is_refused(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    (tmp_path / "2_b.sql").write_text("SELECT 1")
    assert "2_b.sql: rename it to NNNN_lower_case.up.sql" in refusal(tmp_path)


def test_all_problems_are_told_at_once(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    pair("0003_c")
    (tmp_path / "0003_c.down.sql").unlink()
    said = refusal(tmp_path)
    assert "0002 is missing" in said
    assert "0003_c.down.sql is missing" in said
    assert said.endswith("Nothing was run.")


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    assert "pass the right one by --dir" in refusal(tmp_path / "none")
    assert "No *.sql in" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("phase: later", "write expand|contract"),
        ("transaction: no", "write true|false"),
        ("min_app_version: 1.2", "write N.N.N"),
    ],
)
def test_a_bad_header_value_tells_the_good_ones(
    tmp_path: Path, pair: Pair, line: str, allowed: str
) -> None:
    pair("0001_a", f"-- {line}\nSELECT 1")
    assert allowed in refusal(tmp_path)


def test_a_file_without_a_statement_is_refused(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a", down="-- nothing\n")
    assert "0001_a.down.sql has no statement" in refusal(tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a")
    (tmp_path / "0001_a.up.sql").write_bytes(b"SELECT '\xff'")
    assert "is not UTF-8" in refusal(tmp_path)


def test_the_mark_of_windows_editors_hides_no_header(tmp_path: Path) -> None:
    path = tmp_path / "0001_a.up.sql"
    path.write_bytes(b"\xef\xbb\xbf-- phase: contract\n-- min_app_version: 1.2.0\nSELECT 1")
    script = read(path)
    assert (script.phase, script.statements[0].line) == ("contract", 3)
    assert script.sql.startswith("--")


@pytest.mark.parametrize(
    ("up", "said"),
    [
        ("SELECT 1;\n/* * / SELECT 2;", "line 2: /* is opened here and never closed"),
        ("SELECT 'a\0b'", "take the NUL byte out"),
        ("/* licence */\n-- phase: contract\nSELECT 1", "`-- phase: contract` is not read"),
        ("-- a\n  -- transaction: false\nVACUUM", "`-- transaction: false` is not read"),
        ("--Phase: contract\nSELECT 1", "`--Phase: contract` is not read"),
        ("\\restrict abc\nSELECT 1", "line 1: \\restrict is a command of psql"),
        ("SELECT 1;\n\\i other.sql", "line 2: \\i is a command of psql"),
        ("COPY a (b) FROM STDIN;\n1\n\\.\n", "line 1: nobody is there to send"),
        ("COPY (SELECT 1) TO stdout", "line 1: nobody is there to send"),
    ],
)
def test_what_would_be_passed_over_or_hang_is_refused(
    tmp_path: Path, pair: Pair, up: str, said: str
) -> None:
    pair("0001_a", up)
    assert said in refusal(tmp_path)


def test_copying_from_a_file_of_the_server_is_left_alone(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a", "COPY stdin (stdout) FROM '/data/a.csv'")
    assert len(load(tmp_path)) == 1


def test_a_file_without_a_transaction_has_one_statement(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a", "-- transaction: false\nCREATE INDEX CONCURRENTLY i ON t (a); SELECT 1;")
    assert "0001_a.up.sql has 2 statements without a transaction" in refusal(tmp_path)


@pytest.mark.parametrize("control", ["BEGIN", "COMMIT", "ROLLBACK", "START TRANSACTION", "END"])
def test_transaction_control_is_left_to_the_runner(
    tmp_path: Path, pair: Pair, control: str
) -> None:
    pair("0001_a", f"SELECT 1;\n{control};")
    word = control.split()[0]
    assert f"0001_a.up.sql line 2: remove {word}" in refusal(tmp_path)


@pytest.mark.parametrize(
    "statement",
    ["CREATE INDEX CONCURRENTLY i ON t (a)", "VACUUM t", "DROP INDEX CONCURRENTLY i"],
)
def test_what_cannot_run_in_a_transaction_needs_the_header(
    tmp_path: Path, pair: Pair, statement: str
) -> None:
    pair("0001_a", statement)
    assert "put it alone in a file with `-- transaction: false`" in refusal(tmp_path)
    pair("0001_a", f"-- transaction: false\n{statement}")
    assert not load(tmp_path)[0].up.transaction


def test_refreshing_a_view_concurrently_may_run_in_a_transaction(
    tmp_path: Path, pair: Pair
) -> None:
    pair("0001_a", "REFRESH MATERIALIZED VIEW CONCURRENTLY v")
    assert load(tmp_path)[0].up.transaction


def test_an_index_built_concurrently_has_a_name(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a", "-- transaction: false\nCREATE INDEX CONCURRENTLY ON t (a)")
    assert "give the index a name" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("sql", "change"),
    [
        ("CREATE INDEX CONCURRENTLY I_a ON t (a)", IndexChange("create", "i_a", False)),
        (
            "create unique index concurrently /* why */ if not exists i on t (a)",
            IndexChange("create", "i", True),
        ),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", IndexChange("drop", "i", True)),
        ("CREATE INDEX CONCURRENTLY i ON S.t (a)", IndexChange("create", "s.i", False)),
        (
            'CREATE INDEX CONCURRENTLY "A.i"ON ONLY "S t" . t (a)',
            IndexChange("create", '"S t"."A.i"', False),
        ),
        ('DROP INDEX CONCURRENTLY S."I"', IndexChange("drop", 's."I"', False)),
        ("VACUUM t", None),
    ],
)
def test_the_index_of_a_lone_statement_is_known(
    tmp_path: Path, sql: str, change: IndexChange | None
) -> None:
    path = tmp_path / "0001_a.up.sql"
    path.write_text(f"-- transaction: false\n{sql};\n")
    assert read(path).index == change


def test_a_contract_file_names_the_release_it_needs(tmp_path: Path, pair: Pair) -> None:
    pair("0001_a", "-- phase: contract\nSELECT 1")
    assert "0001_a.up.sql: a contract file names what may still run" in refusal(tmp_path)


def test_a_mounted_configmap_is_read_at_one_state(tmp_path: Path) -> None:
    state = tmp_path / "..2026_11_24_18_00_00.1"
    state.mkdir()
    (tmp_path / "..data").symlink_to(state.name)
    for name in ("0001_a.up.sql", "0001_a.down.sql"):
        (state / name).write_text("SELECT 1")
        (tmp_path / name).symlink_to(f"..data/{name}")
    (tmp_path / "0002_half_written.up.sql").write_text("SELECT 1")
    assert [m.label for m in load(tmp_path)] == ["0001_a"]


DATA = {
    "0001_a.up.sql": "SELECT 1",
    "0001_a.down.sql": "SELECT 2",
    "0002_b.up.sql": "-- phase: contract\n-- min_app_version: 1.2.0\nSELECT 3",
    "0002_b.down.sql": "SELECT 4",
    "README.md": "not a migration",
}


def test_the_data_of_a_configmap_is_read_as_its_files_are(tmp_path: Path) -> None:
    for name, text in DATA.items():
        (tmp_path / name).write_text(text)
    there, here = load(tmp_path), load_mapping(DATA)
    assert [m.label for m in here] == ["0001_a", "0002_b"]
    assert [m.up.sha256 for m in here] == [m.up.sha256 for m in there]
    assert checksum(here, 2) == checksum(there, 2)


def test_the_data_of_a_configmap_follows_the_same_rules() -> None:
    with pytest.raises(SourceInvalid, match=r"0001_a.down.sql is missing"):
        load_mapping({"0001_a.up.sql": "SELECT 1"})
    with pytest.raises(SourceInvalid, match=r"no key that ends with .sql"):
        load_mapping({"README.md": ""})


def test_the_checksum_of_a_source_is_over_versions_names_and_files() -> None:
    one, two = load_mapping(DATA)
    first = f"1 a {one.up.sha256}\n"
    assert checksum([one, two], 0) == hashlib.sha256(b"").hexdigest()
    assert checksum([one, two], 1) == hashlib.sha256(first.encode()).hexdigest()
    both = f"{first}2 b {two.up.sha256}\n"
    assert checksum([one, two], 2) == hashlib.sha256(both.encode()).hexdigest()
