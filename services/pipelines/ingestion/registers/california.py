"""California, bizfile master unload: four quoted files separated by |, joined on UCC1_NUM.

A row of Filings is a document: the initial filing, whose UCC3_NUM is empty or its own UCC1_NUM,
or an amendment. FilingAmendments says what an amendment does where Filings only calls it one.
Parties name their document by UCC3_NUM where the file has that column, else the filing. Numbers
keep their leading zeros. No collateral text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pipelines.ingestion.records import (
    Action,
    Document,
    Party,
    RawDocument,
    Rejected,
    Role,
)
from services.pipelines.ingestion.registers.base import (
    BadRow,
    Row,
    identifier,
    read,
    required,
    text,
)
from services.pipelines.ingestion.registers.build import Place, distinct, individual, organization
from services.pipelines.ingestion.registers.filed import Joined, StagedRow, by_document, document
from services.pipelines.ingestion.registers.filed_cells import day, lien, required_day, strongest

FORMAT = "ca"
FILINGS, AMENDMENTS, DEBTORS, SECURED = "ca.filings", "ca.amendments", "ca.debtors", "ca.secured"
FILING, NUMBER = "UCC1_NUM", "UCC3_NUM"
INITIAL = "lien financing"


@dataclass(frozen=True, slots=True)
class California:
    """Reader of California's master unload and its weekly updates."""

    name: str = "ca"
    state: str = "CA"
    format: str = FORMAT
    parser_version: str = "ca-1"

    def filing(self, _dataset: str, row: Row) -> str:
        """See FileRegister.filing."""
        return required(row, FILING)

    def join(self, _filing: str, rows: Sequence[StagedRow], into: Joined) -> None:
        """See FileRegister.join."""
        parts = {
            name: by_document(rows, name, _number, FORMAT, into)
            for name in ("filings", "amendments", "debtors", "secured")
        }
        heads = parts["filings"]
        for number in heads:
            own = {name: rows.get(number, []) for name, rows in parts.items()}
            into.documents.append(document(FORMAT, self.parser_version, number, own))
        into.waiting += sum(
            len(own)
            for rows in parts.values()
            for number, own in rows.items()
            if number not in heads
        )

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See FileRegister.parse: a bad party costs that party, a bad first row the document."""
        rejected: list[Rejected] = []
        heads = list(read(raw, FILINGS, _head, rejected))
        if not heads:
            return None, rejected
        head = heads[0]
        initial = _is_initial(head)
        detail = read(raw, AMENDMENTS, lambda row: text(row, "ACTION_TYPE"), rejected)
        told = [text(head, "ACTION_TYPE"), *detail]
        debtors = read(raw, DEBTORS, lambda row: _party(row, "debtor", told), rejected)
        secured = read(raw, SECURED, lambda row: _party(row, "secured", told), rejected)
        parties = distinct([*debtors, *secured])
        kinds = (text(head, "FILING_TYPE_ID"), text(head, "ALT_DESIGNATION_TYPE_ID"))
        made = Document(
            number=raw.number,
            initial_number=required(head, FILING),
            kind="initial" if initial else strongest(told, parties),
            document_type=", ".join(dict.fromkeys(words for words in told if words)),
            filing_type=lien(kinds, parties) if initial else None,
            filed_on=required_day(head, "FILING_DATE"),
            lapse_on=day(head, "LAPSE_DATE"),
            status_as_filed=None,
            content_hash=raw.content_hash,
            parties=parties,
        )
        return made, rejected


def _number(row: Row) -> str:
    return identifier(row, NUMBER) or required(row, FILING)


def _is_initial(row: Row) -> bool:
    return _number(row) == required(row, FILING)


def _head(row: Row) -> Row:
    """The row, once every cell that `parse` needs has been read."""
    required_day(row, "FILING_DATE"), day(row, "LAPSE_DATE")
    text(row, "FILING_TYPE_ID"), text(row, "ALT_DESIGNATION_TYPE_ID")
    action = text(row, "ACTION_TYPE") or ""
    if _is_initial(row) and action and not action.lower().startswith(INITIAL):
        raise BadRow(f"column {NUMBER} is missing: {action} needs a number of its own")
    return row


def _party(row: Row, role: Role, told: Sequence[str | None]) -> Party:
    place = Place(
        address1=text(row, "ADDR1"),
        address2=" ".join(filter(None, (text(row, "ADDR2"), text(row, "ADDR3")))) or None,
        city=text(row, "CITY"),
        state=text(row, "STATE"),
        zip=text(row, "POSTAL_CODE"),
        country=text(row, "COUNTRY"),
    )
    action = _action(told, role)
    if name := text(row, "ORG_NAME"):
        return organization(role, name, place, action=action)
    columns = ("FIRST_NAME", "MIDDLE_NAME", "LAST_NAME", "SUFFIX")
    return individual(role, [text(row, column) for column in columns], place, action=action)


def _action(told: Sequence[str | None], role: Role) -> Action:
    """Parties of an amendment are added, unless all it does to their side is delete."""
    own = [words.lower() for words in told if words and role in words.lower()]
    return "delete" if own and all("delet" in words for words in own) else "add"
