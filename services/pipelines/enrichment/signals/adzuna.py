"""Open positions in Adzuna's job search, by company name and place (api.adzuna.com; a free key).

A thousand requests a month are free, so one page is asked: the fifty newest. The search is
loose, so the employer's name and place are checked.
"""

from dataclasses import dataclass
from typing import Any

from services.pipelines.enrichment.signals import About, Signal, hiring
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, Match, recognise
from services.pipelines.enrichment.signals.hiring import Opening
from services.pipelines.enrichment.signals.paging import Row
from services.pipelines.enrichment.signals.places import STATE_NAMES, Place
from services.pipelines.enrichment.signals.reading import day, link, member, plain, rows, text

HOME = "https://api.adzuna.com"
SEARCH = f"{HOME}/v1/api/jobs/us/search/1"
QUOTA = 1000
DAYS = 60
PAGE = 50


def about(app_id: str | None, key: str | None) -> About:
    """The terms; without id and key it is not configured."""
    if not app_id or not key:
        return About("adzuna", HOME, 0.4, QUOTA, lacks="SOURCE_ADZUNA_ID and SOURCE_ADZUNA_KEY")
    return About("adzuna", HOME, 0.4, QUOTA, secrets={"app_id": app_id, "app_key": key})


@dataclass(frozen=True, slots=True)
class Adzuna:
    """One signal where positions of the last sixty days are open."""

    about: About

    def passes(self, _: Firm, /) -> str | None:
        """Every business may hire."""
        return None

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The open positions of `firm` where it is."""
        params = {
            "company": " ".join(firm.search_words),
            "where": _where(firm),
            "results_per_page": str(PAGE),
            "max_days_old": str(DAYS),
            "sort_by": "date",
        }
        found = await client.get(SEARCH, params, lambda answer: rows(member(answer, "results")))
        told = [(match, opening) for row in found for match, opening in _opening(firm, row)]
        if not told:
            return []
        best = max((match for match, _ in told), key=lambda match: match.confidence)
        openings = list({opening.id: opening for _, opening in told}.values())
        return [hiring.signal(firm, openings, best, openings[0].url)]


def _where(firm: Firm) -> str:
    """A city of its home state where one is known, else the state."""
    cities = [p.city for p in firm.places if p.city and p.state == firm.home]
    state = STATE_NAMES.get(firm.home, firm.home)
    return f"{cities[0].title()}, {state}" if cities else state


def _opening(firm: Firm, row: Row) -> list[tuple[Match, Opening]]:
    """The position with its match, none where it is of another employer or cannot be read."""
    company, title = row.get("company"), text(row, "title")
    name = text(company, "display_name") if isinstance(company, dict) else None
    number = text(row, "id")
    place = _place(row.get("location"))
    if not name or not place or not number or not title:
        return []
    match = recognise(firm, name, place)
    if match is None:
        return []
    posted = day(row.get("created"))
    return [(match, Opening(number, title, link(row, "redirect_url"), posted, place.text))]


def _place(told: Any) -> Place | None:
    """Of an area like ["US", "Colorado", "Arapahoe County", "Englewood"]."""
    area = told.get("area") if isinstance(told, dict) else None
    parts = [part for each in (area if isinstance(area, list) else ()) if (part := plain(each))]
    if len(parts) < 2:
        return None
    place = Place.of(city=parts[-1] if len(parts) > 2 else None, state=parts[1])
    return place if place.known else None
