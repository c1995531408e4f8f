"""Federal contracts: USAspending's award search (api.usaspending.gov, v2, no key).

The text search is loose, so the name is checked by the filing offices' rules and the recipient's
place against the filings. Where an answer tells no place, the state asked for stands in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, evidence, recognise
from services.pipelines.enrichment.signals.paging import Page, all_pages
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, dollars, iso, member, rows, text
from services.pipelines.enrichment.signals.window import month_end, since, today

ABOUT = About("usaspending", "https://api.usaspending.gov", rate=4.0)
SEARCH = "https://api.usaspending.gov/api/v2/search/spending_by_award/"
AWARD = "https://www.usaspending.gov/award/"
CONTRACTS = ["A", "B", "C", "D"]
FIELDS = [
    "Award ID", "Recipient Name", "Recipient UEI", "Recipient Location", "Award Amount",
    "Start Date", "End Date", "Awarding Agency", "Description", "NAICS",
]  # fmt: skip
PAGE = 100
MOST_PAGES = 5
MONTHS = 24
MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class UsaSpending:
    """One signal a contract of the last two years, the largest five hundred."""

    about: About = ABOUT
    today: Callable[[], date] = today

    def passes(self, _: Firm, /) -> str | None:
        """Every business may have a contract."""
        return None

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The contracts of `firm` as a recipient in its home state."""

        async def page(number: int) -> Page:
            return await client.post(SEARCH, self._search(firm, number + 1), _page)

        found = await all_pages(page, MOST_PAGES)
        return [signal for row in found if (signal := _signal(firm, row))]

    def _search(self, firm: Firm, page: int) -> dict[str, Any]:
        day = self.today()
        names = list(dict.fromkeys((firm.name, *firm.trade_names)))[:MOST_NAMES]
        window = {"start_date": iso(since(day, MONTHS)), "end_date": iso(month_end(day))}
        return {
            "subawards": False,
            "limit": PAGE,
            "page": page,
            "sort": "Award Amount",
            "order": "desc",
            "filters": {
                "award_type_codes": CONTRACTS,
                "recipient_search_text": names,
                "recipient_locations": [{"country": "USA", "state": firm.home}],
                "time_period": [window],
            },
            "fields": FIELDS,
        }


def _page(answer: Any) -> Page:
    """Rows, and whether there is a next page; `last_record_sort_value` is "None" on the last."""
    meta = answer.get("page_metadata") if isinstance(answer, dict) else None
    more = isinstance(meta, dict) and meta.get("hasNext") is True
    return rows(member(answer, "results")), more


def _signal(firm: Firm, row: dict[str, Any]) -> Signal | None:
    named, number = text(row, "Recipient Name"), text(row, "Award ID")
    key = text(row, "generated_internal_id") or number
    if not named or not key:
        return None
    match = recognise(firm, named, _place(row), within=firm.home)
    if match is None:
        return None
    agency = text(row, "Awarding Agency")
    said = {
        "award": number,
        "recipient": named,
        "uei": text(row, "Recipient UEI"),
        "agency": agency,
        "starts_on": iso(day(row.get("Start Date"))),
        "ends_on": iso(day(row.get("End Date"))),
        "description": text(row, "Description"),
    }
    return Signal(
        prospect_id=firm.prospect_id,
        type="contract",
        source_key=key,
        observed_on=day(row.get("Start Date")),
        title=f"Federal contract with the {agency}" if agency else "Federal contract",
        amount=dollars(row.get("Award Amount")),
        confidence=match.confidence,
        evidence=evidence(match, said, id=key, url=AWARD + quote(key)),
    )


def _place(row: dict[str, Any]) -> Place | None:
    told = row.get("Recipient Location")
    if not isinstance(told, dict):
        return None
    place = Place.of(
        text(told, "address_line1"), text(told, "city_name"), text(told, "state_code"),
        text(told, "zip5"),
    )  # fmt: skip
    return place if place.known else None
