"""What open filings show at a date: merchant cash advances, stacking, renewals, distress.

Pure, between the loaded facts and the scores. Everything here is inference from public filings,
each finding with the filings that show it. Sources of the rules: UCC 9-515 for lapse, sources.md
section 4 for the reading of a filing (collateral words, funders behind agents, stacking).
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.pipelines.scoring.facts import Filing, Mca, Secured

STACK_MONTHS = 18
RENEWAL_MONTHS = (3, 12)
DISTRESS = ("federal_tax_lien", "state_tax_lien", "judgment_lien")
EVIDENCE_LIMIT = 20
CAUTION = "Inference: a filing proves neither a debt still owed nor a default."

MCA_RANK: dict[Mca, int] = {"none": 0, "possible": 1, "certain": 2}
_NOBODY = Secured(name="")


def add_months(day: date, months: int) -> date:
    """The same day `months` later (or earlier), or the last of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def is_open(filing: Filing, as_of: date) -> bool:
    """Filed, not terminated and not lapsed at `as_of`; the day of lapse still counts.

    A termination or lapse that the register tells without a date holds at every `as_of`.
    """
    if filing.filed_on is None or filing.filed_on > as_of:
        return False
    if filing.terminated_on is not None:
        terminated = filing.terminated_on <= as_of
    else:
        terminated = filing.status == "terminated"
    if filing.lapse_on is not None:
        return not terminated and filing.lapse_on >= as_of
    return not terminated and filing.status != "lapsed"


def newest_first(filings: Iterable[Filing]) -> list[Filing]:
    """By filing date, then number, so that equal facts always give equal evidence."""
    return sorted(filings, key=lambda f: (f.filed_on or date.min, f.ref), reverse=True)


@dataclass(frozen=True, slots=True)
class McaFinding:
    """Whether a filing secures a merchant cash advance, by which party, and why."""

    filing: Filing
    mca: Mca
    secured: Secured
    why: str

    def evidence(self) -> dict[str, Any]:
        """The filing as the API shows it."""
        return {
            **filing_evidence(self.filing, self.secured),
            "mca": self.mca,
            "why": self.why,
        }


def filing_evidence(filing: Filing, secured: Secured) -> dict[str, Any]:
    """A filing and who holds it; dates as YYYY-MM-DD."""
    return {
        "filing": filing.ref,
        "filed_on": filing.filed_on.isoformat() if filing.filed_on else None,
        "lender": secured.lender or secured.name or None,
        "as_filed": secured.name or None,
    }


def filing_mca(filing: Filing) -> McaFinding:
    """Certain by the collateral text or a known funder, possible where an agent hides the funder.

    Only lenders' filings (`ucc`) count; tax, judgment and farm-product liens never do.
    """
    lead = max(filing.secured, key=lambda s: MCA_RANK[s.mca or "none"], default=_NOBODY)
    if not filing.lends:
        return McaFinding(filing, "none", lead, "")
    phrase = next((c for c in filing.collateral if c.mca_phrase), None)
    if phrase is not None:
        return McaFinding(
            filing, "certain", lead, f'The collateral text says "{phrase.mca_phrase}".'
        )
    if lead.mca == "certain":
        return McaFinding(filing, "certain", lead, sentence(lead.evidence or "a known MCA funder"))
    if lead.mca == "possible":
        why = lead.evidence or "an agent files as representative: the funder is not named"
        return McaFinding(filing, "possible", lead, sentence(why))
    return McaFinding(filing, "none", lead, "")


def sentence(text: str) -> str:
    """The ingestion's evidence, written as a clause, as a sentence of its own."""
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


@dataclass(frozen=True, slots=True)
class Picture:
    """What the filings of a prospect show at a date; every list newest first."""

    filings: list[Filing]
    opened: list[Filing]
    mca: list[McaFinding]
    stack: list[McaFinding]
    renewals: list[tuple[date, dict[str, Any]]]
    distress: dict[str, Any] | None

    @property
    def strongest_mca(self) -> Mca:
        """The strongest finding over the open filings."""
        return max((f.mca for f in self.mca), key=MCA_RANK.__getitem__, default="none")

    @property
    def certain(self) -> int:
        """How many filings of the stack are certain."""
        return sum(f.mca == "certain" for f in self.stack)

    @property
    def renewal_on(self) -> date | None:
        """The day on which the next bank lien to renew lapses."""
        return self.renewals[0][0] if self.renewals else None

    @property
    def newest_lending_on(self) -> date | None:
        """Filing date of the newest open lender's filing."""
        return max((f.filed_on for f in self.opened if f.filed_on and f.lends), default=None)

    @property
    def latest_lending_on(self) -> date | None:
        """Filing date of the newest lender's filing, open or not."""
        return max((f.filed_on for f in self.filings if f.filed_on and f.lends), default=None)

    def evidence(self) -> dict[str, Any]:
        """The filings behind each finding, by field of the prospect; the newest 20 of each."""
        stack = self.stack[:EVIDENCE_LIMIT]
        found = {
            "mca": [f.evidence() for f in self.mca[:EVIDENCE_LIMIT]],
            "stack_depth": [f.evidence() for f in stack],
            "stack_certain": [f.filing.ref for f in stack if f.mca == "certain"],
            "renewal_due": [item for _, item in self.renewals[:EVIDENCE_LIMIT]],
            "distress": self.distress,
        }
        return {name: value for name, value in found.items() if value}


def read(filings: Iterable[Filing], as_of: date) -> Picture:
    """Judge the filings of one prospect at `as_of`."""
    ordered = newest_first(filings)
    opened = [f for f in ordered if is_open(f, as_of)]
    mca = [finding for f in opened if (finding := filing_mca(f)).mca != "none"]
    return Picture(
        filings=ordered,
        opened=opened,
        mca=mca,
        stack=stacked(mca, as_of),
        renewals=renewals(opened, as_of),
        distress=distress(opened),
    )


def stacked(mca: Iterable[McaFinding], as_of: date) -> list[McaFinding]:
    """The open MCA filings of the 18 calendar months up to `as_of`: two or more are a stack."""
    since = add_months(as_of, -STACK_MONTHS)
    return [f for f in mca if f.filing.filed_on and f.filing.filed_on >= since]


def renewals(open_filings: Sequence[Filing], as_of: date) -> list[tuple[date, dict[str, Any]]]:
    """Bank liens that lapse 3 to 12 months after `as_of`, soonest first, with their evidence.

    A continuation filed in time has already moved `lapse_on` five years on (UCC 9-515(e)).
    """
    first, last = (add_months(as_of, months) for months in RENEWAL_MONTHS)
    due = []
    for filing in open_filings:
        bank = next((s for s in filing.secured if s.kind == "bank"), None)
        if filing.lends and bank and filing.lapse_on and first <= filing.lapse_on <= last:
            due.append((filing.lapse_on, _renewal(filing, bank)))
    return sorted(due, key=lambda item: (item[0], item[1]["filing"]))


def _renewal(filing: Filing, bank: Secured) -> dict[str, Any]:
    lapse_on = filing.lapse_on.isoformat() if filing.lapse_on else None
    why = f"This bank lien lapses on {lapse_on} and no continuation extends it."
    return {**filing_evidence(filing, bank), "lapse_on": lapse_on, "why": why}


def distress(open_filings: Sequence[Filing]) -> dict[str, Any] | None:
    """Open tax and judgment liens with their holders, newest first; None where there are none."""
    liens = [f for f in open_filings if f.filing_type in DISTRESS]
    if not liens:
        return None
    kinds: dict[str, int] = {}
    for lien in liens:
        kinds[str(lien.filing_type)] = kinds.get(str(lien.filing_type), 0) + 1
    return {
        "note": CAUTION,
        "open_liens": len(liens),
        "kinds": dict(sorted(kinds.items())),
        "liens": [_lien(lien) for lien in newest_first(liens)[:EVIDENCE_LIMIT]],
    }


def _lien(lien: Filing) -> dict[str, Any]:
    holder = lien.secured[0].name if lien.secured else None
    return {
        "filing": lien.ref,
        "filed_on": lien.filed_on.isoformat() if lien.filed_on else None,
        "kind": lien.filing_type,
        "holder": holder,
    }
