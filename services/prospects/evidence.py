"""Shapes of what speaks for a prospect: filings, lenders, and the evidence behind each finding.

Part of models.py; the pipelines write these as JSON, PostgreSQL passes them on.
"""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mca = Literal["certain", "possible", "none"]


class Found(BaseModel):
    """Inferred by the scoring pipeline: it may say more here than is listed."""

    model_config = ConfigDict(extra="allow")


class FilingRef(Found):
    """A filing as evidence: `filing` is register:number."""

    filing: str
    filed_on: date | None


class LenderFiling(FilingRef):
    """A filing of a lender."""

    open: bool


class Lender(Found):
    """A lender with filings against the business, aliases resolved."""

    name: str
    kind: str | None
    mca: Mca
    as_filed: list[str]
    filings: int
    open: int
    last_filed_on: date | None
    why: str | None = Field(description="Why the lender is known to be of this kind")
    evidence: list[LenderFiling] = Field(description="The newest three")


class HeldFiling(FilingRef):
    """A filing with its holder: the lender, and the name as filed."""

    lender: str | None
    as_filed: str | None
    why: str


class McaFiling(HeldFiling):
    """A filing that shows a merchant cash advance."""

    mca: Literal["certain", "possible"]


class RenewalFiling(HeldFiling):
    """A bank lien that lapses soon."""

    lapse_on: date | None


class Lien(FilingRef):
    """A tax or judgment lien."""

    kind: str
    holder: str | None


class Distress(Found):
    """Open tax and judgment liens: their number, by kind, and the newest."""

    note: str
    open_liens: int
    kinds: dict[str, int]
    liens: list[Lien]


class Evidence(Found):
    """What shows each finding, by field; absent where there is no finding."""

    mca: list[McaFiling] = []
    stack_depth: list[McaFiling] = []
    stack_certain: list[str] = []
    renewal_due: list[RenewalFiling] = []
    distress: Distress | None = None
    industry: list[str] = []


class SecuredParty(BaseModel):
    """A secured party of a filing."""

    as_filed: str
    lender: str | None = Field(description="The lender behind the name, aliases resolved")
    kind: str | None


class McaEvidence(BaseModel):
    """What speaks for a merchant cash advance in one filing."""

    mca: Literal["certain", "possible"]
    why: str


class Event(BaseModel):
    """A document filed under a filing."""

    document_number: str
    kind: str
    document_type: str | None = Field(description="As the register calls it")
    filed_on: date | None


class Filing(BaseModel):
    """A filing against the business, with what its documents say now."""

    # pydantic models already have a `register`, from abc.ABCMeta
    register_name: str = Field(alias="register", description="Short name of the register")
    filing_number: str
    filing_type: str | None
    document_type: str | None = Field(description="As the register calls it")
    status: Literal["unknown", "active", "lapsed", "terminated"]
    filed_on: date | None
    lapse_on: date | None
    terminated_on: date | None
    continued_on: date | None = Field(description="Day of the last continuation")
    mca_evidence: list[McaEvidence]
    debtors: list[str] = Field(description="Names as filed; at most 100")
    secured_parties: list[SecuredParty] = Field(description="At most 100")
    collateral: list[str] = Field(description="At most 100 texts of at most 500 characters")
    events: list[Event] = Field(description="Newest first, at most 200")
