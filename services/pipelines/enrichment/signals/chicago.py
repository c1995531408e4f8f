"""Building permits of Chicago (data.cityofchicago.org, ydr8-5enu).

A permit has up to fifteen contacts in flat columns, contact_1_name to contact_15_zipcode, so it
is found by a full-text search. People among them (owners) are never kept: only the contact that
is the business.
"""

from collections.abc import Callable
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
    row_url,
)
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, dollars, text
from services.pipelines.enrichment.signals.window import since, today

HOST, PERMITS = "data.cityofchicago.org", "ydr8-5enu"
ABOUT = about("chicago", HOST)
CONTACTS = range(1, 16)


@dataclass(frozen=True, slots=True)
class Chicago:
    """One signal a permit of the last year that names the business."""

    about: About = ABOUT
    today: Callable[[], date] = today

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses known in Illinois are asked about."""
        return elsewhere(firm, "IL", "Chicago")

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The permits of `firm`, by issue date."""
        permits = Dataset(client, self.about.home, PERMITS)
        found = await permits.read(
            order="issue_date,id",
            where=f"issue_date>='{since(self.today(), MONTHS)}'",
            q=" ".join(firm.search_words),
        )
        return [signal for row in found if (signal := _signal(firm, row, permits))]


def _signal(firm: Firm, row: Row, dataset: Dataset) -> Signal | None:
    number, contact = text(row, "permit_") or text(row, "id"), _contact(firm, row)
    if not number or contact is None:
        return None
    role, match = contact
    permit = Permit(
        number=number,
        issued_on=day(row.get("issue_date")),
        role=role,
        city="Chicago",
        kind=(text(row, "permit_type") or "").removeprefix("PERMIT - ") or None,
        cost=dollars(row.get("reported_cost")),
        said={
            "work": text(row, "work_description"),
            "address": _address(row),
            "fee": dollars(row.get("total_fee")),
            "status": text(row, "permit_status"),
        },
    )
    return permit.signal(firm, match, row_url(dataset, "permit_", number))


def _contact(firm: Firm, row: Row) -> tuple[str, Match] | None:
    """(role, match) of the contact that is surest to be the business."""
    found = []
    for n in CONTACTS:
        name = text(row, f"contact_{n}_name")
        place = Place.of(
            None, *(text(row, f"contact_{n}_{part}") for part in ("city", "state", "zipcode"))
        )
        told = place if place.known else None
        if name and (match := recognise(firm, name, told, within="IL")):
            role = (text(row, f"contact_{n}_type") or "contact").lower()
            found.append((match.confidence, role, match))
    return max(found, key=lambda each: each[0])[1:] if found else None


def _address(row: Row) -> str | None:
    parts = (text(row, f"street_{part}") for part in ("number", "direction", "name"))
    return " ".join(filter(None, parts)) or None
