"""Business licences of Chicago (data.cityofchicago.org, r5kz-chrr): a new one is an expansion.

A licence that is issued, moved or enlarged says that the business grows; a renewal says nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import (
    Firm,
    Match,
    evidence,
    recognise,
    search_words,
)
from services.pipelines.enrichment.signals.paging import Row
from services.pipelines.enrichment.signals.permits import (
    MONTHS,
    Dataset,
    about,
    elsewhere,
    like,
    row_url,
)
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, iso, text
from services.pipelines.enrichment.signals.window import since, today

HOST, LICENCES = "data.cityofchicago.org", "r5kz-chrr"
ABOUT = about("licences", HOST)
GROWTH = {
    "ISSUE": "new licence",
    "C_LOC": "licence moved to another place",
    "C_CAPA": "licence for a larger capacity",
    "C_EXPA": "licence for larger premises",
}
ISSUED = "AAI"
MOST_NAMES = 2


@dataclass(frozen=True, slots=True)
class Licences:
    """One signal a licence of the last year that tells of growth."""

    about: About = ABOUT
    today: Callable[[], date] = today

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses known in Illinois are asked about."""
        return elsewhere(firm, "IL", "Chicago")

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The licences under the legal name, then those under a trade name."""
        dataset = Dataset(client, self.about.home, LICENCES)
        wanted = [like("legal_name", firm.search_words)]
        wanted += [like("doing_business_as_name", search_words(name)) for name in firm.trade_names][
            :MOST_NAMES
        ]
        first = since(self.today(), MONTHS)
        found: list[Row] = []
        for condition in wanted:
            where = f"{condition} and date_issued>='{first}'"
            found += await dataset.read("date_issued,id", where)
        return [signal for row in found if (signal := _signal(firm, row, dataset))]


def _signal(firm: Firm, row: Row, dataset: Dataset) -> Signal | None:
    number, kind = text(row, "license_id") or text(row, "id"), text(row, "application_type")
    if not number or kind not in GROWTH or text(row, "license_status") not in (ISSUED, None):
        return None
    match = _match(firm, row)
    if match is None:
        return None
    described = text(row, "license_description")
    said = {
        "licence": text(row, "license_number"),
        "kind": described,
        "legal_name": text(row, "legal_name"),
        "trade_name": text(row, "doing_business_as_name"),
        "address": text(row, "address"),
        "starts_on": iso(day(row.get("license_start_date"))),
    }
    return Signal(
        prospect_id=firm.prospect_id,
        type="expansion",
        source_key=number,
        observed_on=day(row.get("date_issued")),
        title=f"Chicago: {GROWTH[kind]}" + (f", {described.lower()}" if described else ""),
        confidence=match.confidence,
        evidence=evidence(match, said, id=number, url=row_url(dataset, "license_id", number)),
    )


def _match(firm: Firm, row: Row) -> Match | None:
    place = Place.of(*(text(row, name) for name in ("address", "city", "state", "zip_code")))
    told = place if place.known else None
    names = (text(row, "legal_name"), text(row, "doing_business_as_name"))
    found = [m for name in names if name and (m := recognise(firm, name, told, within="IL"))]
    return max(found, key=lambda match: match.confidence, default=None)
