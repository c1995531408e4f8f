"""What scoring knows of a prospect before it judges: rows of the registers, as loaded by store."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

Mca = Literal["certain", "possible", "none"]


@dataclass(frozen=True, slots=True)
class Secured:
    """A current secured party: `name` as filed, `lender` behind it where the name is known."""

    name: str
    lender: str | None = None
    kind: str | None = None
    mca: Mca | None = None
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Collateral:
    """An active collateral text: what sort it is, and the words that show an MCA, if any."""

    kinds: tuple[str, ...] = ()
    mca_phrase: str | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """A filing with all its amendments applied; `lapse_on` counts timely continuations."""

    register: str
    number: str
    filing_type: str | None
    filed_on: date | None
    lapse_on: date | None = None
    terminated_on: date | None = None
    status: str = "active"
    secured: tuple[Secured, ...] = ()
    collateral: tuple[Collateral, ...] = ()

    @property
    def ref(self) -> str:
        """How evidence names it: `co:20262001234`."""
        return f"{self.register}:{self.number}"

    @property
    def lends(self) -> bool:
        """A lender's filing, not a tax, judgment, hospital or farm-product lien."""
        return self.filing_type == "ucc"


@dataclass(frozen=True, slots=True)
class Debtor:
    """The prospect as one document of a filing names it."""

    filing: str
    filed_on: date | None
    name: str
    trade_names: tuple[str, ...] = ()
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    region: str | None = None
    zip: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything an assessment looks at; `revision` is prospect_work.facts_rev when loaded.

    `by_hand` marks a prospect that a person made: its name stays as that person wrote it.
    `signals` and `violations` are the days they were observed on, None where nobody told.
    """

    prospect_id: UUID
    revision: int
    by_hand: bool = False
    filings: tuple[Filing, ...] = ()
    debtors: tuple[Debtor, ...] = ()
    signals: tuple[date | None, ...] = ()
    violations: tuple[date | None, ...] = ()
