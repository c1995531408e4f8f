"""The later life of a filing: continuations, assignments, changes and its end, with their dates.

UCC 9-515 sets the clock: five years, and a continuation counts only in the six months before the
lapse date. The sample holds timely ones, a few that came too early or too late, and many none.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from services.sample_register.firms import Firms, Row


@dataclass(slots=True)
class Doc:
    """One document of a filing; parties and collateral are rows without their ids."""

    filed: date
    document: str
    filing_type: str | None
    debtors: list[Row] = field(default_factory=list)
    secured: list[Row] = field(default_factory=list)
    collateral: list[Row] = field(default_factory=list)
    lapse: date | None = None
    initial: bool = True
    continuation: bool = False
    termination: bool = False
    files: int = 1


@dataclass(frozen=True, slots=True)
class Life:
    """How likely what is: each field but `end` is a probability in the life of a filing."""

    ends: float
    soon: float
    continued: float
    assigned: float
    debtor: float
    lender: float
    goods: float
    end: str = "Termination"


LIVES = {
    "bank": Life(0.72, 0.50, 0.74, 0.09, 0.09, 0.05, 0.12),
    "equipment": Life(0.80, 0.52, 0.55, 0.10, 0.09, 0.05, 0.10),
    "advance": Life(0.34, 0.85, 0.05, 0.03, 0.02, 0.02, 0.02),
    "tax": Life(0.72, 0.50, 0.0, 0.0, 0.02, 0.0, 0.02, "Federal tax lien release"),
    "hospital": Life(0.60, 0.75, 0.0, 0.0, 0.0, 0.0, 0.0, "Release"),
    "farm": Life(0.62, 0.30, 0.75, 0.05, 0.08, 0.06, 0.30),
}


def years_later(day: date, years: int) -> date:
    """The same day `years` later; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def amend(rng: Random, firms: Firms, initial: Doc, life: Life) -> list[Doc]:
    """Every later document of `initial`, by date; nothing follows its termination."""
    docs = [*_changes(rng, firms, initial, life)]
    end = initial.filed + timedelta(days=_lifetime(rng, life)) if rng.random() < life.ends else None
    if life.continued and initial.lapse and (end is None or end > initial.lapse):
        docs += _continuations(rng, initial, initial.lapse, life)
    if end is not None:
        docs = [doc for doc in docs if doc.filed <= end]
        docs.append(_amendment(rng, initial, end, life.end, termination=True))
    return sorted(docs, key=lambda doc: doc.filed)


def _lifetime(rng: Random, life: Life) -> int:
    """Days until the end: a part is paid off within a year and a half, the rest within six."""
    if rng.random() < life.soon:
        return rng.randrange(30, 550)
    return rng.randrange(300, 2200)


def _continuations(rng: Random, initial: Doc, lapse: date, life: Life) -> list[Doc]:
    chance = rng.random()
    if chance < life.continued:
        filed = lapse - timedelta(days=rng.randrange(1, 180))
    elif chance < life.continued + 0.03:
        filed = lapse + timedelta(days=rng.randrange(1, 60))
    elif chance < life.continued + 0.05:
        filed = lapse - timedelta(days=rng.randrange(200, 500))
    else:
        return []
    timely = chance < life.continued
    doc = _amendment(rng, initial, filed, "Continuation")
    doc.continuation, doc.lapse = True, years_later(lapse, 5) if timely else None
    return [doc]


def _changes(rng: Random, firms: Firms, initial: Doc, life: Life) -> list[Doc]:
    docs = []
    if rng.random() < life.assigned:
        docs.append(_assignment(rng, initial))
    if rng.random() < life.debtor:
        docs.append(_debtor_change(rng, firms, initial))
    if rng.random() < life.lender:
        doc = _amendment(rng, initial, _some_day(rng, initial), "Amendment - secured party")
        doc.secured = _renamed(initial.secured[0], f"{rng.randrange(100, 999)} NEW OFFICE PKWY")
        docs.append(doc)
    if rng.random() < life.goods and initial.collateral:
        doc = _amendment(rng, initial, _some_day(rng, initial), "Amendment - collateral")
        text = rng.choice(("ALL ATTACHMENTS, ACCESSIONS AND REPLACEMENTS", "ONE (1) TRAILER"))
        action = rng.choices(("add", "change only", "delete only"), (60, 25, 15))[0]
        doc.collateral = [{"collateraldescription": text, "actiontype": action}]
        docs.append(doc)
    if rng.random() < 0.012:
        kind = rng.choice(("Information statement", "Correction statement"))
        docs.append(_amendment(rng, initial, _some_day(rng, initial), kind))
    return docs


def _assignment(rng: Random, initial: Doc) -> Doc:
    """A full assignment closes the assignor's row; a partial one only adds the assignee."""
    full = rng.random() < 0.8
    name = "Assignment" if full else "Partial assignment"
    doc = _amendment(rng, initial, _some_day(rng, initial), name)
    number = rng.randrange(1, 40)
    doc.secured = [_ASSIGNEE | {"organizationname": f"LANTERN EQUIPMENT TRUST {number}, LLC"}]
    if full:
        gone = {"actiontype": "delete only", "recordstatus": "inactive", "assignor": "1"}
        doc.secured.append(initial.secured[0] | gone)
    return doc


_ASSIGNEE = {"address1": "500 TRESTLE AVE", "city": "DENVER", "state": "CO", "zipcode": "80202"}


def _debtor_change(rng: Random, firms: Firms, initial: Doc) -> Doc:
    doc = _amendment(rng, initial, _some_day(rng, initial), "Amendment - debtor")
    debtor, kind = initial.debtors[0], rng.random()
    if kind < 0.45:
        doc.debtors = _renamed(debtor, f"{rng.randrange(100, 9999)} NEW YARD RD")
    elif kind < 0.8:
        doc.debtors = [firms.person(rng)]
    else:
        doc.debtors = [debtor | {"actiontype": "delete only", "recordstatus": "inactive"}]
    return doc


def _renamed(old: Row, address: str) -> list[Row]:
    """A change as the register shows it: the row as it was, inactive, and the row as it is."""
    gone = {"actiontype": "change only", "recordstatus": "inactive"}
    return [old | gone, old | {"address1": address, "actiontype": "change only"}]


def _some_day(rng: Random, initial: Doc) -> date:
    return initial.filed + timedelta(days=rng.randrange(5, 1400))


def _amendment(
    rng: Random, initial: Doc, filed: date, document: str, *, termination: bool = False
) -> Doc:
    filing_type = None if rng.random() < 0.035 else initial.filing_type
    doc = Doc(filed, document, filing_type, initial=False, termination=termination)
    # One transaction may act on several files: 0.6 % of Colorado's rows repeat a transactionid.
    if rng.random() < 0.006:
        doc.files = rng.randrange(2, 6)
    return doc
