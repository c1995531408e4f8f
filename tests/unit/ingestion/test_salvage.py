"""Rows out of a body that is no JSON as a whole."""

import pytest

from services.pipelines.ingestion.registers.salvage import salvage, split_rows


def test_good_rows_around_bad_ones() -> None:
    found = salvage("d", b'[{"a":1}\n,{"a":,"b":2}\n,{"a":3}\n,{"a":"x\ny"}\n,{"a":5}]\n')
    assert found.rows == [{"a": 1}, {"a": 3}, {"a": 5}]
    assert [r.row for r in found.rejected] == ['{"a":,"b":2}', '{"a":"x\ny"}']
    assert [r.row_key for r in found.rejected] == ["1", "3"]
    assert all(r.reason.startswith("not JSON: ") and r.dataset == "d" for r in found.rejected)
    assert not found.cut


def test_bad_last_row() -> None:
    found = salvage("d", b'[{"a":1},{"a":nope}]')
    assert found.rows == [{"a": 1}]
    assert [r.row for r in found.rejected] == ['{"a":nope}']
    assert not found.cut


def test_bytes_that_are_not_utf8_are_shown_escaped() -> None:
    found = salvage("d", b'[{"a":"caf\xe9"},{"a":"ok"}]')
    assert found.rows == [{"a": "ok"}]
    assert [r.row for r in found.rejected] == ['{"a":"caf\\xe9"}']


@pytest.mark.parametrize("cell", [b"NaN", b'"\\ud800"'])
def test_what_only_a_lax_parser_takes_is_bad(cell: bytes) -> None:
    found = salvage("d", b'[{"a":' + cell + b'},{"a":"ok"},{]')
    assert found.rows == [{"a": "ok"}]
    assert len(found.rejected) == 2


@pytest.mark.parametrize(
    ("body", "rows"),
    [(b'[{"a":1},{"a":2},{"a"', 2), (b'[{"a":1}', 1), (b"[", 0), (b"", 0), (b"<html>]", 0)],
)
def test_cut_body_says_so(body: bytes, rows: int) -> None:
    found = salvage("d", body)
    assert (len(found.rows), found.rejected, found.cut) == (rows, [], True)


def test_what_follows_the_array_does_not_matter() -> None:
    found = salvage("d", b'[{"a":1}] trailing')
    assert (found.rows, found.rejected, found.cut) == ([{"a": 1}], [], False)


def test_row_that_is_no_object_is_set_aside() -> None:
    found = split_rows("d", [{"a": 1}, ["x"], None])
    assert found.rows == [{"a": 1}]
    assert [(r.row, r.reason) for r in found.rejected] == [
        ('["x"]', "a row is not an object"),
        ("null", "a row is not an object"),
    ]
