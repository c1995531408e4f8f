"""What every register's reader hands to the ingestion steps, whatever shape its rows had.

A `RawDocument` is one document as filed, whole, still in the register's own columns; `parse`
turns it into a `Document`. Rows that cannot be read become `Rejected`, verbatim.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Role = Literal["debtor", "secured"]
Action = Literal["add", "change", "delete"]
Mca = Literal["certain", "possible", "none"]
Kind = Literal[
    "initial",
    "continuation",
    "termination",
    "assignment",
    "partial_assignment",
    "party_change",
    "collateral_change",
    "correction",
    "information",
    "other",
]
FilingType = Literal[
    "ucc",
    "federal_tax_lien",
    "state_tax_lien",
    "judgment_lien",
    "hospital_lien",
    "farm_product",
    "other_lien",
]
Status = Literal["active", "terminated", "lapsed"]


@dataclass(frozen=True, slots=True)
class Party:
    """A debtor or secured party named on one document.

    `key` is the register's own row id, else the md5 of the content; `name_key` is the
    normalised name, empty for people; `lender*` is set for secured parties only.
    """

    role: Role
    key: str
    name: str
    is_organization: bool
    is_business: bool
    name_key: str
    trade_names: tuple[str, ...] = ()
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    action: Action = "add"
    active: bool = True
    assignor: bool = False
    lender: str | None = None
    lender_kind: str | None = None
    lender_mca: Mca | None = None
    lender_evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Collateral:
    """A collateral text; `mca_phrase` is the words in it that name a purchase of receipts."""

    key: str
    text: str
    kinds: tuple[str, ...] = ()
    mca_phrase: str | None = None
    action: Action = "add"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """One document as filed: an initial filing, or an amendment of `initial_number`."""

    number: str
    initial_number: str
    kind: Kind
    document_type: str
    filing_type: FilingType | None
    filed_on: date | None
    lapse_on: date | None
    status_as_filed: Status | None
    content_hash: bytes
    parties: tuple[Party, ...] = ()
    collateral: tuple[Collateral, ...] = ()
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read, verbatim, with the reason."""

    dataset: str
    row_key: str
    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One whole document in the register's own rows, by data set; 16 bytes of content hash."""

    number: str
    content_hash: bytes
    rows: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page of the register; `full` says that a next page may exist, `rows` counts as sent."""

    documents: list[RawDocument] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    full: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """Filing dates asked for: from `since` on, before `until`; None leaves a side open."""

    since: date | None = None
    until: date | None = None
