"""XML files of records: read one by one, and nothing in them is followed."""

import io
from xml.parsers import expat

import pytest

from services.common.bulk import xml
from services.common.bulk.xml import RECORD_MAX, Refused, element, records

BOMB = '<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><d><Record>&b;</Record></d>'
FETCH = '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d><Record>&x;</Record></d>'
OUTSIDE = '<!DOCTYPE d SYSTEM "http://127.0.0.1/x.dtd"><d><Record/></d>'


def found(text: str | bytes) -> list[tuple[int, str]]:
    data = text.encode() if isinstance(text, str) else text
    return [(each.line, each.text) for each in records(io.BytesIO(data))]


def test_records_come_as_xml_of_their_own_with_their_line() -> None:
    assert found("<d>\n<h/>\n<Record><a t='1'>x &amp; y</a></Record><Record/></d>") == [
        (3, '<Record><a t="1">x &amp; y</a></Record>'),
        (3, "<Record />"),
    ]


def test_namespaces_do_not_matter() -> None:
    assert found('<u:d xmlns:u="urn:u"><u:Record><u:a/></u:Record></u:d>') == [
        (1, "<Record><a /></Record>")
    ]


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "utf-8", "utf-16"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><d><Record>CAFÉ</Record></d>'
    assert found(text.encode(encoding)) == [(1, "<Record>CAFÉ</Record>")]


def test_signs_that_only_windows_1252_has() -> None:
    text = '<?xml version="1.0" encoding="windows-1252"?><d><Record>O’BRIEN</Record></d>'
    assert found(text.encode("windows-1252")) == [(1, "<Record>O’BRIEN</Record>")]


@pytest.mark.parametrize("text", [BOMB, FETCH, OUTSIDE], ids=["bomb", "fetch", "outside"])
def test_a_document_type_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="document type"):
        found(text)
    with pytest.raises(Refused, match="document type"):
        element(text)


def test_an_entity_that_nobody_declared_is_an_error() -> None:
    with pytest.raises(expat.ExpatError, match="undefined entity"):
        found("<d><Record>&x;</Record></d>")


@pytest.mark.parametrize("inner", ["x" * (RECORD_MAX + 1), f'<a b="{"x" * (RECORD_MAX + 1)}"/>'])
def test_a_record_without_end_is_refused(inner: str) -> None:
    with pytest.raises(Refused, match="longer than"):
        found(f"<d><Record>{inner}")


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(Refused, match="deeper than 100"):
        found("<d>" + "<a>" * 101)


def test_a_document_that_ends_early_names_the_line() -> None:
    with pytest.raises(expat.ExpatError, match="line 2"):
        found("<d><Record/>\n<Record>")


def test_the_beginning_of_a_document_shows_whether_it_may_be_one() -> None:
    xml.check_start(b"<d><h>", whole=False)
    with pytest.raises(Refused, match="no element <Record>"):
        xml.check_start(b"<d/>", whole=True)
    with pytest.raises(expat.ExpatError):
        xml.check_start(b"a|b|c", whole=False)
