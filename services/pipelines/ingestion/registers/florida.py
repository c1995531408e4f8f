"""Florida, floridaucc.com: four files separated by |, joined on Ucc1FilingNumber; no collateral.

Debtors and Secureds list the parties of a filing as they are now, whichever document brought
them, so they hang on the initial filing; each row of Events is an amendment. Events writes the
number of the filing with leading zeros that the other files leave out. FilingExpDate is the
lapse date as it is now, continuations included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pipelines.ingestion.records import (
    Document,
    Party,
    RawDocument,
    Rejected,
    Role,
    Status,
)
from services.pipelines.ingestion.registers.base import Row, identifier, read, required, text
from services.pipelines.ingestion.registers.build import Place, distinct, individual, organization
from services.pipelines.ingestion.registers.filed import (
    Joined,
    StagedRow,
    by_document,
    document,
    newest,
)
from services.pipelines.ingestion.registers.filed_cells import day, lien, required_day, strongest

FORMAT = "fl"
FILINGS, DEBTORS, SECUREDS, EVENTS = "fl.filings", "fl.debtors", "fl.secureds", "fl.events"
_PEOPLE = ("P", "I")
_GONE = frozenset(("d", "deleted", "removed", "inactive"))
_STATUSES: dict[str, Status] = {
    "filed": "active",
    "active": "active",
    "lapsed": "lapsed",
    "expired": "lapsed",
    "cancelled": "terminated",
    "canceled": "terminated",
    "terminated": "terminated",
}


@dataclass(frozen=True, slots=True)
class Florida:
    """Reader of Florida's full and daily downloads."""

    name: str = "fl"
    state: str = "FL"
    format: str = FORMAT
    parser_version: str = "fl-1"

    def filing(self, _dataset: str, row: Row) -> str:
        """See FileRegister.filing."""
        return _number(row, "Ucc1FilingNumber")

    def join(self, filing: str, rows: Sequence[StagedRow], into: Joined) -> None:
        """See FileRegister.join."""
        parties = {name: newest(rows, name) for name in ("debtors", "secureds")}
        if heads := newest(rows, "filings"):
            parts = {"filings": heads, **parties}
            into.documents.append(document(FORMAT, self.parser_version, filing, parts))
        else:
            into.waiting += sum(map(len, parties.values()))
        for number, own in by_document(rows, "events", _event, FORMAT, into).items():
            parts = {"events": own}
            into.documents.append(document(FORMAT, self.parser_version, number, parts))

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See FileRegister.parse: a bad party costs that party, a bad first row the document."""
        rejected: list[Rejected] = []
        made = _initial(raw, rejected) if FILINGS in raw.rows else _amendment(raw, rejected)
        return made, rejected


def _initial(raw: RawDocument, rejected: list[Rejected]) -> Document | None:
    heads = list(read(raw, FILINGS, _head, rejected))
    if not heads:
        return None
    head = heads[0]
    debtors = read(raw, DEBTORS, lambda row: _party(row, "debtor"), rejected)
    secureds = read(raw, SECUREDS, lambda row: _party(row, "secured"), rejected)
    parties = distinct([*debtors, *secureds])
    return Document(
        number=raw.number,
        initial_number=raw.number,
        kind="initial",
        document_type="UCC1",
        filing_type=lien((), parties),
        filed_on=required_day(head, "FilingDate"),
        lapse_on=day(head, "FilingExpDate"),
        status_as_filed=_STATUSES.get((text(head, "FilingStatus") or "").lower()),
        content_hash=raw.content_hash,
        parties=parties,
    )


def _head(row: Row) -> Row:
    """The row, once every cell that `parse` needs has been read."""
    required_day(row, "FilingDate"), day(row, "FilingExpDate"), text(row, "FilingStatus")
    return row


def _amendment(raw: RawDocument, rejected: list[Rejected]) -> Document | None:
    events = list(read(raw, EVENTS, _checked_event, rejected))
    if not events:
        return None
    head = events[0]
    told = sorted({text(row, "ActionVerbage") or "" for row in events})
    return Document(
        number=raw.number,
        initial_number=_number(head, "Ucc1FilingNumber"),
        kind=strongest(told),
        document_type=", ".join(told),
        filing_type=None,
        filed_on=required_day(head, "EventDate"),
        lapse_on=None,
        status_as_filed=None,
        content_hash=raw.content_hash,
    )


def _checked_event(row: Row) -> Row:
    required_day(row, "EventDate"), text(row, "ActionVerbage"), _number(row, "Ucc1FilingNumber")
    return row


def _event(row: Row) -> str:
    return _number(row, "Ucc3FilingNumber")


def _number(row: Row, column: str) -> str:
    return required(row, column).lstrip("0") or "0"


def _party(row: Row, role: Role) -> Party:
    side, state = ("Deb", "DebState") if role == "debtor" else ("Sec", "SecStateProvince")
    place = Place(
        address1=text(row, f"{side}AddressLine1"),
        address2=text(row, f"{side}AddressLine2"),
        city=text(row, f"{side}City"),
        state=text(row, state),
        zip=text(row, f"{side}ZipCode"),
        country=text(row, f"{side}Country"),
    )
    active = (text(row, f"{side}FilingStatus") or "").lower() not in _GONE
    name = required(row, f"{side}Name")
    identifier(row, f"{side}RefNumber")
    if (text(row, f"{side}NameFormat") or "").upper() in _PEOPLE:
        return individual(role, [name], place, active=active)
    return organization(role, name, place, active=active)
