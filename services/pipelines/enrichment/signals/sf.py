"""Building permits of San Francisco (data.sfgov.org): contacts 3pee-9qhc, permits i98e-djp9.

The permits name nobody; their contacts are a data set of their own, joined by permit_number. One
permit may have a row an address: that with primary_address_flag Y speaks for it. revised_cost is
often "0.0", so the greater of the two costs counts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, Match, recognise
from services.pipelines.enrichment.signals.paging import Row
from services.pipelines.enrichment.signals.permits import (
    MONTHS,
    Dataset,
    Permit,
    about,
    elsewhere,
    like,
    row_url,
)
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, dollars, iso, text
from services.pipelines.enrichment.signals.window import since, today

HOST, PERMITS, CONTACTS = "data.sfgov.org", "i98e-djp9", "3pee-9qhc"
ABOUT = about("sf", HOST)


@dataclass(frozen=True, slots=True)
class SanFrancisco:
    """One signal a permit of the last year that has the business among its contacts."""

    about: About = ABOUT
    today: Callable[[], date] = today

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses known in California are asked about."""
        return elsewhere(firm, "CA", "San Francisco")

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The contacts that are `firm`, then their permits."""
        contacts = Dataset(client, self.about.home, CONTACTS)
        permits = Dataset(client, self.about.home, PERMITS)
        found = await contacts.read(
            order="permit_number,id", where=like("firm_name", firm.search_words)
        )
        mine = _mine(firm, found)
        rows = await permits.matching("permit_number", sorted(mine), "permit_number,record_id")
        first = since(self.today(), MONTHS)
        told = (_signal(firm, row, mine, permits) for row in _primary(rows, mine))
        return [s for s in told if s.observed_on and s.observed_on >= first]


def _mine(firm: Firm, contacts: Iterable[Row]) -> dict[str, tuple[str, Match]]:
    """Permit number -> (role, match) of the contacts that are the business."""
    mine: dict[str, tuple[str, Match]] = {}
    for row in contacts:
        number, name = text(row, "permit_number"), text(row, "firm_name")
        parts = ("firm_address", "firm_city", "firm_state", "firm_zipcode")
        place = Place.of(*(text(row, part) for part in parts))
        told = place if place.known else None
        match = recognise(firm, name, told, within="CA") if number and name else None
        if (
            number
            and match
            and (number not in mine or match.confidence > mine[number][1].confidence)
        ):
            mine[number] = (text(row, "role") or "contact").lower(), match
    return mine


def _primary(rows: Iterable[Row], mine: dict[str, tuple[str, Match]]) -> list[Row]:
    """One row a permit: that of its primary address, else the first."""
    found: dict[str, Row] = {}
    for row in rows:
        number = text(row, "permit_number")
        if number in mine and (number not in found or row.get("primary_address_flag") == "Y"):
            found[number] = row
    return list(found.values())


def _signal(firm: Firm, row: Row, mine: dict[str, tuple[str, Match]], dataset: Dataset) -> Signal:
    number = text(row, "permit_number") or ""
    role, match = mine[number]
    costs = (dollars(row.get(name)) for name in ("estimated_cost", "revised_cost"))
    permit = Permit(
        number=number,
        issued_on=day(row.get("issued_date")) or day(row.get("filed_date")),
        role=role,
        city="San Francisco",
        kind=text(row, "permit_type_definition"),
        cost=max((cost for cost in costs if cost), default=None),
        said={
            "work": text(row, "description"),
            "address": _address(row),
            "status": text(row, "status"),
            "filed_on": iso(day(row.get("filed_date"))),
        },
    )
    return permit.signal(firm, match, row_url(dataset, "permit_number", number))


def _address(row: Row) -> str | None:
    parts = (text(row, f"street_{part}") for part in ("number", "name", "suffix"))
    return " ".join(filter(None, parts)) or None
