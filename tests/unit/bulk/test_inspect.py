"""What a file is, and archives that are refused before anything of them is read."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from services.common.bulk import inspect
from services.common.bulk.inspect import Member, members
from services.common.bulk.layouts import LAYOUTS, Format, columns_of
from services.common.errors import AppError, PayloadTooLarge, Unprocessable
from tests.support.unloads import (
    ca_filing,
    ca_party,
    california,
    fl_event,
    fl_filing,
    fl_party,
    florida,
    iaca,
    record,
    zipped,
)

FL = florida(
    filings=[fl_filing("1", "01/01/2026", "01/01/2031")],
    debtors=[fl_party("Deb", "1", "A LLC")],
    secureds=[fl_party("Sec", "1", "B LLC")],
    events=[fl_event("2", "1", "02/01/2026", "TERMINATION")],
)
CA = california(filings=[ca_filing("1", "2026-01-01", "")], debtors=[ca_party("1", "A LLC")],
                secured=[ca_party("1", "B LLC")], amendments=[])  # fmt: skip
PLENTY = 1 << 40


def look(
    folder: Path, data: bytes, form: Format = "fl", name: str = "f", limit: int = PLENTY
) -> list[Member]:
    path = folder / "file"
    path.write_bytes(data)
    return members(path, name, LAYOUTS[form], limit)


def tables(found: list[Member]) -> list[str]:
    return [member.shape.table for member in found]


def test_floridas_files_are_told_by_their_columns_whatever_their_names(tmp_path: Path) -> None:
    found = [tables(look(tmp_path, data)) for data in FL.values()]
    assert found == [["filings"], ["debtors"], ["secureds"], ["events"]]


def test_californias_files_are_told_by_their_columns(tmp_path: Path) -> None:
    found = [tables(look(tmp_path, data, "ca")) for data in CA.values()]
    assert found == [["filings"], ["debtors"], ["secured"], ["amendments"]]


def test_parties_with_the_same_columns_are_told_by_the_name(tmp_path: Path) -> None:
    data = b"UCC1_NUM|ORG_NAME|LAST_NAME|FIRST_NAME|ADDR1|CITY|STATE|POSTAL_CODE\n"
    assert tables(look(tmp_path, data, "ca", "Debtors.csv")) == ["debtors"]
    assert tables(look(tmp_path, data, "ca", "SecuredParties.csv")) == ["secured"]
    with pytest.raises(Unprocessable, match="may be debtors or secured"):
        look(tmp_path, data, "ca", "file")


def test_columns_may_stand_in_another_order_and_more_may_be_there(tmp_path: Path) -> None:
    (member,) = look(tmp_path, b"NEW|filingdate|UCC1FILINGNUMBER\n1|2|3\n")
    assert member.shape.columns == ("new", "FilingDate", "Ucc1FilingNumber")


def test_a_file_without_a_line_of_names_is_told_by_its_own(tmp_path: Path) -> None:
    (member,) = look(tmp_path, b"3001|0002|07/01/2026|TERMINATION\n", name="events.txt")
    assert (member.shape.table, member.shape.header) == ("events", False)
    assert member.shape.columns == columns_of("fl", "events")


def test_entries_of_a_zip_are_looked_into(tmp_path: Path) -> None:
    found = look(tmp_path, zipped(FL), name="all.zip")
    assert [(m.name, m.entry) for m in found] == [(f"all.zip/{name}", name) for name in FL]


def test_folders_and_what_macos_adds_are_left_out(tmp_path: Path) -> None:
    data = zipped({"fl/": b"", "fl/filings.csv": FL["filings_full.csv"], "__MACOSX/._x": b"x"})
    assert [member.entry for member in look(tmp_path, data)] == ["fl/filings.csv"]


@pytest.mark.parametrize("encoding", ["windows-1252", "utf-8"])
def test_xml_is_told_by_its_beginning(tmp_path: Path, encoding: str) -> None:
    data = iaca(record("1", "20260101"), encoding=encoding)
    assert tables(look(tmp_path, data, "iaca")) == ["records"]


REFUSED: list[tuple[Format, bytes, str]] = [
    ("fl", CA["Filings.csv"], "is no file of Florida's download: its first line holds 'UCC1_NUM"),
    ("ca", FL["debtors_full.csv"], "is no file of California's master unload"),
    ("fl", b"%PDF-1.7\n", "is no file of Florida's download"),
    ("fl", b"\n\n", "f is empty"),
    ("fl", b"\x1f\x8b\x08", "packed with gzip"),
    ("fl", b"PK\x03\x04 and nothing more", "is no whole zip"),
    ("fl", zipped({}), "is an empty zip"),
    ("iaca", b"a|b|c", "cannot be read as IACA XML"),
    ("iaca", b"<html></html>", "no element <Record>"),
    ("iaca", b"<!DOCTYPE d [<!ENTITY a 'b'>]><d><Record/></d>", "document type"),
    ("iaca", b'<?xml version="1.0" encoding="klingon"?><d/>', "cannot be read as IACA XML"),
    ("fl", zipped({"../../etc/passwd": b"x"}), "leads out of the archive"),
    ("fl", zipped({"/etc/passwd": b"x"}), "leads out of the archive"),
    ("fl", zipped({"a\\..\\b.csv": b"x"}), "leads out of the archive"),
    ("fl", zipped({"C:/b.csv": b"x"}), "leads out of the archive"),
    ("fl", zipped({"inner.zip": zipped(FL)}), "a zip within a zip"),
    ("fl", zipped({f"{n}.csv": b"x" for n in range(1001)}), "more than 1000"),
    ("fl", zipped(FL, zipfile.ZIP_BZIP2), "other than deflate"),
]


@pytest.mark.parametrize(("form", "data", "why"), REFUSED, ids=[why for *_, why in REFUSED])
def test_what_is_no_such_file_is_refused(
    tmp_path: Path, form: Format, data: bytes, why: str
) -> None:
    with pytest.raises(Unprocessable, match=why):
        look(tmp_path, data, form)


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped({"filings.csv": bytes(16 * 1024 * 1024)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(PayloadTooLarge, match="200 times"):
        look(tmp_path, bomb)


def test_entries_may_not_unpack_to_more_than_the_limit_together(tmp_path: Path) -> None:
    size = sum(map(len, FL.values()))
    assert len(look(tmp_path, zipped(FL), limit=size)) == 4
    with pytest.raises(PayloadTooLarge, match=f"more than the limit of {size - 1}"):
        look(tmp_path, zipped(FL), limit=size - 1)


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"filings.csv": FL["filings_full.csv"]}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Unprocessable, match="encrypted"):
        look(tmp_path, bytes(data))


def test_a_link_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("filings.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(Unprocessable, match="is a link"):
        look(tmp_path, out.getvalue())


def test_a_damaged_entry_is_told_when_it_is_read(tmp_path: Path) -> None:
    data = bytearray(zipped({"filings.csv": FL["filings_full.csv"] * 50}, zipfile.ZIP_STORED))
    data[200] ^= 0xFF
    path = tmp_path / "file"
    path.write_bytes(data)
    with (
        pytest.raises(AppError, match=r"cannot be unpacked.*Fetch the file again"),
        inspect.opened(path, "f/filings.csv", "filings.csv") as stream,
    ):
        while stream.read(65536):
            pass
