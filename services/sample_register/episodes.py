"""Episodes: one financing as it reaches the register, with every amendment still to come.

`draw` gives the financings that begin on a day; a merchant cash advance may bring the same firm
back within weeks (stacking). Later documents carry their own dates; the generator leaves out what
lies after `as_of`, so that the register of tomorrow is that of today and one day more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from services.sample_register import lenders
from services.sample_register.firms import Firms, Row
from services.sample_register.lives import LIVES, Doc, amend, years_later

UCC = "UCC financing statement"


def _parties(table: str) -> list[Row]:
    keys = ("organizationname", "address1", "city", "state", "zipcode")
    return [dict(zip(keys, line.split("|"), strict=True)) for line in table.split("\n") if line]


BANKS = _parties(lenders.BANKS)
EQUIPMENT = _parties(lenders.EQUIPMENT)
CONSUMER = _parties(lenders.CONSUMER)
AGENTS = _parties(lenders.AGENTS)
FUNDERS = _parties(lenders.FUNDERS)
SHELLS = _parties(lenders.SHELLS)
FARM = _parties(lenders.FARM)
IRS = _parties(lenders.IRS)
HOSPITALS = _parties(lenders.HOSPITALS)
STATE_REVENUE = _parties(lenders.STATE_REVENUE)
CREDITORS = _parties(lenders.CREDITORS)


@dataclass(slots=True)
class Case:
    """An initial filing and its amendments in the order of their dates."""

    initial: Doc
    later: list[Doc] = field(default_factory=list)


def draw(rng: Random, firms: Firms, day: date) -> list[Case]:
    """The filings of one financing that begins on `day`, each with its later documents."""
    kind = rng.choices(_KINDS, _WEIGHTS)[0]
    return kind(rng, firms, day)


def _case(rng: Random, firms: Firms, initial: Doc, life: str) -> list[Case]:
    return [Case(initial, amend(rng, firms, initial, LIVES[life]))]


def _debtors(rng: Random, firms: Firms, business: float) -> list[Row]:
    """The debtors of a filing: a firm with probability `business`, else a person; 1 to 3 rows."""
    if rng.random() >= business:
        couple = rng.random() < 0.33
        return [firms.person(rng) for _ in range(2 if couple else 1)]
    firm = firms.any(rng)
    debtors = [firm.as_filed(rng)]
    other = rng.random()
    if other < 0.12:
        debtors.append(firms.person(rng))
    if other > 0.87:
        debtors.append(firm.sister)
    return debtors


def _secured(rng: Random, first: list[Row]) -> list[Row]:
    one = rng.choice(first)
    return [one, rng.choice(BANKS)] if rng.random() < 0.31 else [one]


def _text(text: str) -> Row:
    return {"collateraldescription": text}


def _machine(rng: Random, goods: tuple[str, ...], day: date) -> Row:
    serial = "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=8))
    return _text(f"ONE (1) {day.year - rng.randrange(3)} {rng.choice(goods)} S/N {serial}")


def _bank_loan(rng: Random, firms: Firms, day: date) -> list[Case]:
    text = rng.choice(rng.choices(
        (lenders.ALL_ASSETS, lenders.RECEIVABLES, lenders.INVENTORY), (75, 12, 13)
    )[0])  # fmt: skip
    collateral = [_text(text)]
    if rng.random() < 0.2:
        collateral.append(_machine(rng, lenders.MACHINES, day))
    debtors, secured = _debtors(rng, firms, 0.93), _secured(rng, BANKS)
    initial = Doc(day, UCC, "ucc", debtors, secured, collateral, lapse=years_later(day, 5))
    return _case(rng, firms, initial, "bank")


def _equipment(rng: Random, firms: Firms, day: date) -> list[Case]:
    collateral = [_machine(rng, lenders.MACHINES, day)]
    if rng.random() < 0.2:
        collateral.append(_machine(rng, lenders.MACHINES, day))
    agent = rng.random() < 0.06
    secured = [rng.choice(AGENTS)] if agent else _secured(rng, EQUIPMENT)
    debtors = _debtors(rng, firms, 0.88)
    initial = Doc(day, UCC, "ucc", debtors, secured, collateral, lapse=years_later(day, 5))
    return _case(rng, firms, initial, "equipment")


def _consumer(rng: Random, firms: Firms, day: date) -> list[Case]:
    collateral = [_machine(rng, lenders.CONSUMER_GOODS, day)]
    debtors, secured = _debtors(rng, firms, 0.07), _secured(rng, CONSUMER)
    initial = Doc(day, UCC, "ucc", debtors, secured, collateral, lapse=years_later(day, 5))
    return _case(rng, firms, initial, "equipment")


def _cash_advance(rng: Random, firms: Firms, day: date) -> list[Case]:
    """One to four positions on the same receipts, weeks apart, hidden behind an agent or not."""
    firm = firms.short_of_cash(rng)
    cases: list[Case] = []
    filed = day
    for _ in range(rng.choices((1, 2, 3, 4), (50, 27, 15, 8))[0]):
        debtors = [firm.as_filed(rng)]
        if rng.random() < 0.1:
            debtors.append(firm.sister)
        party = rng.choice(rng.choices((AGENTS, FUNDERS, SHELLS), (50, 36, 14))[0])
        lapse = years_later(filed, 5)
        initial = Doc(filed, UCC, "ucc", debtors, [party], _receipts(rng), lapse=lapse)
        cases += _case(rng, firms, initial, "advance")
        filed += timedelta(days=rng.randrange(4, 150))
    return cases


def _receipts(rng: Random) -> list[Row]:
    kind = rng.random()
    if kind < 0.3:
        text = rng.choice(lenders.FUTURE_RECEIPTS)
        return [{"collateraldescription": "UNKNOWN", "additionalcollateraldescription": text}]
    if kind < 0.6:
        return [_text(rng.choice(lenders.FUTURE_RECEIPTS))]
    return [_text(rng.choice(lenders.ALL_ASSETS) if kind < 0.9 else "UNKNOWN")]


def _federal_tax(rng: Random, firms: Firms, day: date) -> list[Case]:
    if rng.random() < 0.38:
        debtors = [firms.short_of_cash(rng).as_filed(rng)]
    else:
        debtors = _debtors(rng, firms, 0.05)
    text = rng.choice(lenders.TAX_TEXTS).format(rng.randrange(3_000, 240_000))
    lapse = years_later(day, 10) + timedelta(days=30)
    secured = [rng.choice(IRS)]
    initial = Doc(day, "Federal tax lien", "lien_irs", debtors, secured, [_text(text)], lapse=lapse)
    return _case(rng, firms, initial, "tax")


def _hospital(rng: Random, firms: Firms, day: date) -> list[Case]:
    secured = [rng.choice(HOSPITALS)]
    initial = Doc(day, "Hospital lien", "lien_hosp", [firms.person(rng)], secured, [])
    return _case(rng, firms, initial, "hospital")


def _farm_products(rng: Random, firms: Firms, day: date) -> list[Case]:
    debtors = _debtors(rng, firms, 0.15)
    debtors = [row | {"efsuniqueid": f"EFS{rng.randrange(100_000):05d}"} for row in debtors]
    collateral, lapse = [_text(rng.choice(lenders.FARM_GOODS))], years_later(day, 5)
    document = "Effective financing statement"
    initial = Doc(day, document, "efs", debtors, [rng.choice(FARM)], collateral, lapse=lapse)
    return _case(rng, firms, initial, "farm")


def _other(rng: Random, firms: Firms, day: date) -> list[Case]:
    """Liens of the state and of courts, two thirds of them against firms short of cash."""
    business = rng.random() < 0.65
    debtors = [firms.short_of_cash(rng).as_filed(rng) if business else firms.person(rng)]
    lapse = years_later(day, rng.choice((5, 6, 10)))
    document, group, filing_type = rng.choices(_OTHER, (60, 20, 12, 8))[0]
    text = f"AMOUNT OF LIEN ${rng.randrange(900, 90_000):,}.00"
    initial = Doc(day, document, filing_type, debtors, [rng.choice(group)], [_text(text)], lapse)
    return _case(rng, firms, initial, "hospital")


_OTHER = (
    ("State tax lien", STATE_REVENUE, "lien_othr_stat"),
    ("Judgment lien", CREDITORS, "lien_othr_stat"),
    ("Agister's lien", FARM, "lien_agist"),
    ("Child support lien", STATE_REVENUE[:2], "lien_child"),
)

# Shares of the financings that begin, set so that the rows come out as sources.md 1.1 counts them.
_KINDS: tuple[Callable[[Random, Firms, date], list[Case]], ...] = (
    _bank_loan, _equipment, _consumer, _cash_advance,
    _federal_tax, _hospital, _farm_products, _other,
)  # fmt: skip
_WEIGHTS = (285, 245, 205, 38, 116, 43, 31, 18)
