"""Connecticut, data.ct.gov: one data set, one row a lien and party; no collateral text.

id_ucc_flng_nbr is the document's number and id_lien_flng_nbr that of the initial filing; every
row repeats the document, and co-debtors repeat the secured party. lien_status is the state of
the lien at the time of reading, so an initial filing changes when its lien ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.pipelines.ingestion.records import (
    Document,
    Kind,
    Party,
    RawDocument,
    Rejected,
    Role,
    Status,
)
from services.pipelines.ingestion.registers.base import (
    Row,
    day,
    read,
    required,
    required_day,
    text,
)
from services.pipelines.ingestion.registers.build import Place, distinct, individual, organization
from services.pipelines.ingestion.registers.party_rows import PartyRows
from services.pipelines.ingestion.registers.words import amendment_kind, filing_type

LIENS = "xfev-8smz"
NUMBER, FILING = "id_ucc_flng_nbr", "id_lien_flng_nbr"
ORDER = f"{NUMBER},{FILING}"
"""Rows of one document tie, which is harmless: a document is completed at the page's edges."""

_STATUSES: dict[str, Status] = {
    "active": "active",
    "terminated": "terminated",
    "released": "terminated",
    "satisfied": "terminated",
    "lapsed": "lapsed",
    "expired": "lapsed",
}


@dataclass(frozen=True, slots=True)
class Connecticut(PartyRows):
    """Reader of Connecticut's register."""

    name: str = "ct"
    state: str = "CT"
    base_url: str = "https://data.ct.gov"
    parser_version: str = "ct-1"
    dataset: str = LIENS
    number: str = NUMBER
    filing: str = FILING
    filed_on: str = "dt_accept"
    order: str = ORDER

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See Register.parse: a row is rejected whole where its number, dates or cells are bad."""
        rejected: list[Rejected] = []
        rows = list(read(raw, LIENS, _checked, rejected))
        if not rows:
            return None, rejected
        head = rows[0]
        parties = distinct(party for row in rows for party in _parties(row))
        kind = _kind(head, raw.number)
        lenders = [party.lender_kind for party in parties] if kind == "initial" else []
        lien = filing_type(
            text(head, "tx_lien_descript"), text(head, "cd_flng_type"), secured_kinds=lenders
        )
        document = Document(
            number=raw.number,
            initial_number=raw.number if kind == "initial" else required(head, FILING),
            kind=kind,
            document_type=text(head, "cd_flng_type") or "",
            filing_type=lien or ("other_lien" if kind == "initial" else None),
            filed_on=required_day(head, "dt_accept"),
            lapse_on=day(head, "dt_lapse"),
            status_as_filed=_STATUSES.get((text(head, "lien_status") or "").lower()),
            content_hash=raw.content_hash,
            parties=parties,
        )
        return document, rejected


def _checked(row: Row) -> Row:
    """The row, once every cell that `parse` needs has been read."""
    required_day(row, "dt_accept"), day(row, "dt_lapse")
    text(row, "lien_status"), text(row, "tx_lien_descript")
    if _kind(row, required(row, NUMBER)) != "initial":
        required(row, FILING)
    list(_parties(row))
    return row


def _kind(row: Row, number: str) -> Kind:
    """Initial where the document is the lien itself; a bare AMENDMENT names parties or nothing."""
    told = text(row, "cd_flng_type") or ""
    filing = text(row, FILING)
    if filing == number or (filing is None and told.upper().startswith("ORIG")):
        return "initial"
    return amendment_kind(told) or ("party_change" if any(_parties(row)) else "other")


def _parties(row: Row) -> Iterator[Party]:
    """Debtor and secured party of a row; a side that names nobody is left out."""
    sides: tuple[tuple[Role, str], ...] = (("debtor", "debtor"), ("secured", "sec_party"))
    for role, side in sides:
        place = Place(
            address1=text(row, f"{side}_ad_str1"),
            address2=text(row, f"{side}_ad_str2"),
            city=text(row, f"{side}_ad_city"),
            state=text(row, f"{side}_ad_state"),
            zip=text(row, f"{side}_ad_zip"),
        )
        names = [text(row, f"{side}_nm_{part}") for part in ("first", "mid", "last", "suff")]
        if name := text(row, f"{side}_nm_bus"):
            yield organization(role, name, place)
        elif any(names):
            yield individual(role, names, place)
