"""Invented debtors: firm number k of a seed is always the same firm, however large the sample.

A firm is what repeats in a register: several spellings of one name, one address written in two
ways, a sister company, a trade name. People are placeholders, PERSON DEBTOR0001 and so on.
"""

from dataclasses import dataclass
from random import Random

from services.sample_register import names

Row = dict[str, str]

_CITIES = [(city, "CO", zips.split()) for city, zips, _ in names.CITIES]
_CITY_WEIGHTS = [weight for *_, weight in names.CITIES]
_ELSEWHERE = [(city, state, zips.split()) for city, state, zips, _ in names.ELSEWHERE]
_ELSEWHERE_WEIGHTS = [weight for *_, weight in names.ELSEWHERE]
_INDUSTRIES = list(names.INDUSTRY_WEIGHTS)
_INDUSTRY_WEIGHTS = list(names.INDUSTRY_WEIGHTS.values())
_TRADES = {industry: words.split(",") for industry, words in names.TRADES.items()}
_HEADS, _TAILS, _MIDDLES = names.HEADS.split(), names.TAILS.split(), names.MIDDLES.split()
_STREETS = names.STREETS.split()
_ENDINGS = [spellings for spellings, _ in names.ENDINGS]
_ENDING_WEIGHTS = [weight for _, weight in names.ENDINGS]


@dataclass(frozen=True, slots=True)
class Firm:
    """One business debtor; `rows` hold name and address, the usual spelling first."""

    industry: str
    rows: tuple[Row, ...]
    sister: Row

    def as_filed(self, rng: Random) -> Row:
        """The firm as one filer writes it: three of four the usual way."""
        return self.rows[0] if rng.random() < 0.75 else rng.choice(self.rows)


class Firms:
    """The pool of firms of a register of `size` filings; built as they are first named."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed = seed
        self.count = max(25, int(size * 0.16))
        self._people = max(50, int(size * 0.35))
        self._known: dict[int, Firm] = {}

    def any(self, rng: Random) -> Firm:
        """A firm; low numbers borrow more often than high ones."""
        return self._firm(int(self.count * rng.random() ** 1.4))

    def short_of_cash(self, rng: Random) -> Firm:
        """A firm of the tenth of the pool that takes cash advances and owes taxes."""
        return self._firm(int(self.count * 0.1 * rng.random()) * 10)

    def person(self, rng: Random) -> Row:
        """A person as placeholder, with an invented address."""
        number = int(self._people * rng.random())
        row = {"firstname": "PERSON", "lastname": f"DEBTOR{number + 1:04d}"}
        return row | _addresses(Random(f"{self.seed}/person/{number}"))[0]

    def _firm(self, number: int) -> Firm:
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = _invent(Random(f"{self.seed}/firm/{number}"))
        return known


def _invent(rng: Random) -> Firm:
    industry = rng.choices(_INDUSTRIES, _INDUSTRY_WEIGHTS)[0]
    stem, trade = _stem(rng), rng.choice(_TRADES[industry])
    base = f"{stem} {trade}"
    ending = rng.choices(_ENDINGS, _ENDING_WEIGHTS)[0]
    spellings = [f"{base} {ending[0]}".strip(), *(base + other for other in ending[1:])]
    if "&" in base:
        spellings.append(spellings[0].replace("&", "AND"))
    if rng.random() < 0.5:
        spellings.append(spellings[0].title().replace(" Llc", " LLC"))
    if rng.random() < 0.06:
        mark = rng.choice(("DBA", "D/B/A", "dba"))
        spellings.append(f"{spellings[0]} {mark} {_stem(rng)} {trade}")
    here, otherwise = _addresses(rng)
    rows = [{"organizationname": name, **here} for name in dict.fromkeys(spellings)]
    rows.append({"organizationname": spellings[0], **otherwise})
    sister = {"organizationname": f"{stem} {rng.choice(_TRADES[''])} LLC", **here}
    return Firm(industry, tuple(rows), sister)


def _stem(rng: Random) -> str:
    stem = rng.choice(_HEADS) + rng.choice(_TAILS)
    kind = rng.random()
    if kind < 0.35:
        return stem
    if kind < 0.45:
        return f"{stem} & {rng.choice(_HEADS)}{rng.choice(_TAILS)}"
    return f"{stem} {rng.choice(_MIDDLES)}"


def _addresses(rng: Random) -> tuple[Row, Row]:
    """One address in two spellings, as rows of address1, city, state, zipcode, country."""
    if rng.random() < 0.06:
        city, state, zips = rng.choices(_ELSEWHERE, _ELSEWHERE_WEIGHTS)[0]
    else:
        city, state, zips = rng.choices(_CITIES, _CITY_WEIGHTS)[0]
    number = rng.randrange(100, 19999)
    if rng.random() < 0.08:
        short, long = (f"{word}{number}" for word in rng.choice(names.RURAL))
    else:
        (way, ways), (kind, kinds) = rng.choice(names.DIRECTIONS), rng.choice(names.STREET_TYPES)
        street = rng.choice(_STREETS)
        short, long = f"{number} {way}{street} {kind}", f"{number} {ways}{street} {kinds}"
    rest = {"city": city, "state": state, "zipcode": rng.choice(zips), "country": "USA"}
    second = {"address2": f"STE {rng.randrange(100, 900)}"} if rng.random() < 0.12 else {}
    return {"address1": short, **second, **rest}, {"address1": long, **second, **rest}
