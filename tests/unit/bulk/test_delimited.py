"""Lines become records: quotes, line breaks, encodings, and what cannot be split."""

import io
import tracemalloc
from typing import Any

from services.common.bulk.delimited import LINE_MAX, Record, decode, records, split


def read(text: str | bytes, **how: Any) -> list[Record]:
    data = text if isinstance(text, bytes) else text.encode()
    options: dict[str, Any] = {"header": False, "quoted": True, "encoding": "utf-8"} | how
    return list(records(io.BytesIO(data), 3, **options))


def cells(text: str | bytes, **how: Any) -> list[list[str] | None]:
    return [record.cells for record in read(text, **how)]


def test_quoted_cells_may_hold_separators_quotes_and_line_breaks() -> None:
    assert cells('"1"|"A ""B"" | C"|"two\r\nlines"\r\n"2"|""|x\r\n') == [
        ["1", 'A "B" | C', "two\nlines"],
        ["2", "", "x"],
    ]


def test_a_quote_within_a_bare_cell_is_a_letter() -> None:
    assert cells('1|5" PIPE|x\n') == [["1", '5" PIPE', "x"]]
    assert cells('1|"THE" CAFE|x\n', quoted=False) == [["1", '"THE" CAFE', "x"]]


def test_a_separator_in_the_only_quoted_cell_of_a_bare_file() -> None:
    assert cells('1|"A | B"|x\n', quoted=False) == [["1", "A | B", "x"]]


def test_an_odd_quote_costs_its_own_line() -> None:
    first, second = read('"1"|"broken|"x"\n"2"|"b"|"c"\n')
    assert (first.line, first.cells, first.text) == (1, None, '"1"|"broken|"x"')
    assert first.why == "a quoted cell is not closed"
    assert (second.line, second.cells) == (2, ["2", "b", "c"])


def test_a_wrong_number_of_cells_is_told_verbatim() -> None:
    (record,) = read("1|2\n")
    assert (record.cells, record.text) == (None, "1|2")
    assert record.why == "2 cells where there are 3 columns"


def test_the_line_of_a_record_counts_the_header_and_blank_lines() -> None:
    assert [r.line for r in read('h|h|h\n\n1|"a\nb"|c\n2|d|e\n', header=True)] == [3, 5]


def test_bytes_are_read_as_the_layout_says_and_else_as_windows_1252() -> None:
    assert decode("É".encode("latin-1"), "latin-1") == "É"
    assert decode(b"O\x92BRIEN", "latin-1") == "O\N{RIGHT SINGLE QUOTATION MARK}BRIEN"
    assert decode("é".encode(), "utf-8") == "é"
    assert decode(b"caf\xe9", "utf-8") == "café"


def test_a_byte_order_mark_says_utf_8() -> None:
    assert cells(b"\xef\xbb\xbf1|\xc3\xa9|x\n", encoding="latin-1") == [["1", "é", "x"]]


def test_a_nul_is_no_part_of_a_cell() -> None:
    assert cells(b"1|a\0b|x\n") == [["1", "a b", "x"]]


def test_a_line_without_end_is_cut_in_bounded_memory() -> None:
    class Endless(io.RawIOBase):
        left = 64 * LINE_MAX

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            view = memoryview(buffer)  # type: ignore[arg-type]
            size = min(len(view), self.left)
            view[:size] = b"x" * size
            self.left -= size
            return size

    tracemalloc.start()
    (record,) = records(
        io.BufferedReader(Endless()), 3, header=False, quoted=False, encoding="latin-1"
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record.why == f"the line is longer than {LINE_MAX} bytes"
    assert peak < 16 * LINE_MAX


def test_the_last_cell_may_be_empty() -> None:
    assert split('"a"|"b|c"|', quoted=True) == ["a", "b|c", ""]
    assert split("a||", quoted=False) == ["a", "", ""]
