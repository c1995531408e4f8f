"""IACA XML, versions 3 and 4: a record is a document, with what the office made of it.

Two forms are read: the filing with its Acknowledgement, and the office's own result
(Results/FileDetail). A record that the office has not accepted is no filing and left out. What
an amendment does is told by AmendmentType, then by AmendmentAction; CurrentName is whom it
changes or deletes.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, tostring
from xml.parsers import expat

from services.common.bulk import xml
from services.pipelines.ingestion.records import (
    Action,
    Collateral,
    Document,
    FilingType,
    Kind,
    Party,
    RawDocument,
    Rejected,
    Role,
    Status,
)
from services.pipelines.ingestion.registers.base import BadRow, Row, identifier, read
from services.pipelines.ingestion.registers.build import (
    Place,
    distinct,
    goods,
    individual,
    organization,
)
from services.pipelines.ingestion.registers.filed import Joined, StagedRow, document, newest
from services.pipelines.ingestion.registers.filed_cells import day, lien, required_day, strongest

FORMAT = "iaca"
RECORDS, COLUMN = "iaca.records", "Record"
DETAIL = "FileDetail"
_REFUSED = ("rejected", "refused", "pending")
_STATUSES: dict[str, Status] = {"lapsed": "lapsed", "terminated": "terminated"}
_SIDES: tuple[tuple[Role, str, str], ...] = (
    ("debtor", "Debtors", "DebtorName"),
    ("secured", "Secured", "SecuredName"),
)
_NONE = ("", "notype", "noaction", "noalttype")
_camel = re.compile(r"(?<=[a-z])(?=[A-Z])|[_/]")


@dataclass(frozen=True, slots=True)
class Iaca:
    """Reader of one office's XML."""

    name: str
    state: str
    format: str = FORMAT
    parser_version: str = "iaca-1"

    def filing(self, _dataset: str, row: Row) -> str:
        """See FileRegister.filing: every record is a document of its own."""
        return _number(_element(row))

    def join(self, filing: str, rows: Sequence[StagedRow], into: Joined) -> None:
        """See FileRegister.join; the rows of a number are its one document."""
        parts = {"records": newest(rows, "records")}
        into.documents.append(document(FORMAT, self.parser_version, filing, parts))

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See FileRegister.parse: a record is read whole or rejected."""
        rejected: list[Rejected] = []
        made = list(read(raw, RECORDS, lambda row: _document(raw, _element(row)), rejected))
        return (made[0] if made else None), rejected


def pieces(record: str) -> list[str]:
    """The documents in a record: itself, or each of the office's results. Raises BadRow."""
    top = _element({COLUMN: record})
    details = list(top.iter(DETAIL))
    return [tostring(each, encoding="unicode").strip() for each in details] or [record]


def is_accepted(record: str) -> bool:
    """Whether a piece is a filing, not one that the office refused. Raises BadRow."""
    return _status(_element({COLUMN: record})).lower() not in _REFUSED


def _element(row: Row) -> Element:
    try:
        return xml.element(str(row.get(COLUMN) or ""))
    except (xml.Refused, expat.ExpatError) as exc:
        raise BadRow(f"the record is no XML of its own: {exc}") from None


def _document(raw: RawDocument, top: Element) -> Document:
    initial = _told(top, "TransType").lower().startswith("initial")
    kinds = _amendment(top)
    parties = distinct(_parties(top))
    collateral = distinct(_collateral(top))
    cells = {n: _text(top, n) for n in ("FileDate", "LapseDate", "InitialFileNumber")}
    cells["InitialFileNumber"] = cells["InitialFileNumber"] or _text(top, "OriginalFileNumber")
    original = identifier(cells, "InitialFileNumber")
    if not initial and original is None:
        raise BadRow("InitialFileNumber is missing: the amendment cannot be tied to a filing")
    told = " ".join(kinds) if not initial else "Initial"
    return Document(
        number=raw.number,
        initial_number=raw.number if initial else original or raw.number,
        kind="initial" if initial else _kind(kinds, parties, collateral),
        document_type=f"{told} {_told(top, 'AltFilingType')}".strip(),
        filing_type=_lien(top, parties) if initial else None,
        filed_on=required_day(cells, "FileDate"),
        lapse_on=day(cells, "LapseDate"),
        status_as_filed=_STATUSES.get(_status(top).lower()),
        content_hash=raw.content_hash,
        parties=parties,
        collateral=collateral,
    )


def _number(top: Element) -> str:
    number = identifier({"FileNumber": _text(top, "FileNumber")}, "FileNumber")
    if number is None:
        raise BadRow("FileNumber is missing: the office has not acknowledged this record")
    return number


def _amendment(top: Element) -> list[str]:
    """What the amendment says it does, in words: its type, then its actions."""
    told = [_told(top, "AmendmentType"), *(_value(e) for e in top.iter("AmendmentAction"))]
    return [_camel.sub(" ", word) for word in told if word.lower() not in _NONE]


def _kind(told: Sequence[str], parties: Sequence[Party], collateral: Sequence[Collateral]) -> Kind:
    kind = strongest(told[:1], parties)
    if kind in ("other", "party_change") and (more := strongest(told, parties)) != "other":
        kind = more
    if kind == "assignment" and any(
        "partial" in w.lower() or "collateral" in w.lower() for w in told
    ):
        return "partial_assignment"
    return "collateral_change" if kind == "other" and collateral else kind


def _lien(top: Element, parties: Iterable[Party]) -> FilingType:
    told = _camel.sub(" ", _told(top, "AltFilingType")).lower()
    if "state" in told:
        return "state_tax_lien"
    return lien((told if told.replace(" ", "") not in _NONE else None,), parties)


def _parties(top: Element) -> Iterator[Party]:
    actions = [_value(e).lower() for e in top.iter("AmendmentAction")]
    for role, group, tag in _SIDES:
        own = [action for action in actions if action.startswith(role)]
        action = _action(own)
        for side in top.iter(group):
            for each in [*side.iter(tag)] or [side]:  # some offices leave the inner element out
                yield _party(each, role, action)
        # the one that stands in another's place comes with it, under the same action
        if action != "add" or any(a.endswith("change") for a in own):
            for each in top.iter("CurrentName"):
                yield _party(each, role, "delete")


def _action(own: Sequence[str]) -> Action:
    if own and all(action.endswith("delete") for action in own):
        return "delete"
    return "change" if any(action.endswith("change") for action in own) else "add"


def _party(top: Element, role: Role, action: Action) -> Party:
    place = Place(
        address1=_text(top, "MailAddress"),
        city=_text(top, "City"),
        state=_text(top, "State"),
        zip=_text(top, "PostalCode"),
        country=_text(top, "Country"),
    )
    if name := _text(top, "OrganizationName"):
        return organization(role, name, place, action=action)
    parts = [_text(top, part) for part in ("FirstName", "MiddleName", "LastName", "Suffix")]
    return individual(role, parts, place, action=action)


def _collateral(top: Element) -> Iterator[Collateral]:
    actions = {_value(e).lower() for e in top.iter("AmendmentAction")}
    action: Action = "delete" if "collateraldelete" in actions else "add"
    for each in top.iter("ColText"):
        if words := _squeezed(each.text):
            yield goods([words], None, action=action)


def _status(top: Element) -> str:
    return _told(top, "FileStatus")


def _told(top: Element, tag: str) -> str:
    found = next(top.iter(tag), None)
    return "" if found is None else _value(found)


def _value(element: Element) -> str:
    """An enumerated value: schema 3 and 4 put it into the only attribute."""
    return next((v.strip() for v in element.attrib.values() if v.strip()), "") or (
        _squeezed(element.text) or ""
    )


def _text(top: Element, tag: str) -> str | None:
    found = next(top.iter(tag), None)
    return None if found is None else _squeezed(found.text)


def _squeezed(words: str | None) -> str | None:
    return " ".join((words or "").replace("\0", " ").split()) or None
