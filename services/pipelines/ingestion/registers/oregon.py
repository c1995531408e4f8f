"""Oregon, data.oregon.gov: last month's filings, one row a filing and party; no collateral text.

An amendment is numbered after its filing ("1866-23" amends "1866") and does not say what it
changes. Only two things can be derived: a lapse date more than five years after the amendment
was filed takes a continuation (UCC 9-515(e) adds five years to the old lapse date, and an
initial filing cannot reach further), and a lien type ending in -X is a release.
"""

from dataclasses import dataclass
from datetime import date

from services.pipelines.ingestion.records import (
    Document,
    Kind,
    Party,
    RawDocument,
    Rejected,
    Role,
)
from services.pipelines.ingestion.registers.base import (
    BadRow,
    Row,
    day,
    identifier,
    read,
    required,
    required_day,
    text,
)
from services.pipelines.ingestion.registers.build import Place, distinct, individual, organization
from services.pipelines.ingestion.registers.party_rows import PartyRows
from services.pipelines.ingestion.registers.words import amendment_kind, filing_type

FILINGS = "snfi-f79b"
NUMBER, FILING = "file_number", "original_file_number"
ORDER = f"{NUMBER},party_type"
"""Rows of one document tie, which is harmless: a document is completed at the page's edges."""
RELEASE = "-X"
TERM_YEARS = 5

_ROLES: dict[str, Role] = {"DB": "debtor", "SP": "secured"}


@dataclass(frozen=True, slots=True)
class Oregon(PartyRows):
    """Reader of Oregon's list of filings entered last month."""

    name: str = "or"
    state: str = "OR"
    base_url: str = "https://data.oregon.gov"
    parser_version: str = "or-1"
    dataset: str = FILINGS
    number: str = NUMBER
    filing: str = FILING
    filed_on: str = "filing_date"
    order: str = ORDER

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See Register.parse: a row is a party, and a bad one costs that party."""
        rejected: list[Rejected] = []
        rows = list(read(raw, FILINGS, _checked, rejected))
        if not rows:
            return None, rejected
        head, parties = rows[0][0], distinct(party for _, party in rows)
        kind = _kind(head)
        lien_type = text(head, "lien_type") or ""
        lien = filing_type(
            lien_type.removesuffix(RELEASE),
            secured_kinds=[p.lender_kind for p in parties] if kind == "initial" else (),
        )
        document = Document(
            number=raw.number,
            initial_number=raw.number if kind == "initial" else _original(head),
            kind=kind,
            document_type=f"{text(head, 'file_type') or ''} {lien_type}".strip(),
            filing_type=lien or ("other_lien" if kind == "initial" else None),
            filed_on=required_day(head, "filing_date"),
            lapse_on=day(head, "lapse_date"),
            status_as_filed=None,
            content_hash=raw.content_hash,
            parties=parties,
        )
        return document, rejected


def _checked(row: Row) -> tuple[Row, Party]:
    """The row and its party, once every cell that `parse` needs has been read."""
    required_day(row, "filing_date"), day(row, "lapse_date"), text(row, "lien_type")
    if _kind(row) != "initial":
        _original(row)
    return row, _party(row)


def _original(row: Row) -> str:
    """Number of the filing that is amended, else what stands before the last dash. Or BadRow."""
    if told := identifier(row, FILING):
        return told
    filing, dash, _ = required(row, NUMBER).rpartition("-")
    if not dash:
        raise BadRow(f"column {FILING} is missing: the amendment cannot be tied to a filing")
    return filing


def _kind(row: Row) -> Kind:
    told = (text(row, "file_type") or "").upper()
    if told.startswith("INITIAL"):
        return "initial"
    if not told and text(row, FILING) in (None, text(row, NUMBER)):
        return "initial"
    if (text(row, "lien_type") or "").upper().endswith(RELEASE):
        return "termination"
    if kind := amendment_kind(told):
        return kind
    if _reaches_further(required_day(row, "filing_date"), day(row, "lapse_date")):
        return "continuation"
    return "party_change"


def _reaches_further(filed: date, lapse: date | None) -> bool:
    if lapse is None:
        return False
    return (lapse.year - TERM_YEARS, lapse.month, lapse.day) > (filed.year, filed.month, filed.day)


def _party(row: Row) -> Party:
    role = _ROLES.get((text(row, "party_type") or "").upper())
    if role is None:
        raise BadRow(f"column party_type is neither DB nor SP: {row.get('party_type')!r}")
    place = Place(
        address1=text(row, "mail_addr_1"),
        address2=text(row, "mail_addr_2"),
        city=text(row, "city_descr"),
        state=text(row, "st_cd_txt"),
        zip=text(row, "zip_code_txt"),
        country=text(row, "cntry_cd_txt"),
    )
    name = required(row, "entity")
    if (text(row, "entity_type") or "").upper() == "IND":
        return individual(role, [name], place)
    return organization(role, name, place)
