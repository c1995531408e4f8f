"""Open positions on a Lever job board (api.lever.co, no key).

As with Greenhouse, SOURCE_LEVER_BOARDS says whose each board is.
"""

from dataclasses import dataclass
from typing import Any

from services.pipelines.enrichment.signals import About, Signal, hiring
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.hiring import Boards, Opening
from services.pipelines.enrichment.signals.reading import day_of_ms, link, rows, text

HOME = "https://api.lever.co"
BOARD = "https://jobs.lever.co/"
SETTING = "SOURCE_LEVER_BOARDS"


@dataclass(frozen=True, slots=True)
class Lever:
    """One signal where the board has a position."""

    boards: Boards

    @property
    def about(self) -> About:
        """The terms; without any board it is not configured."""
        return About("lever", HOME, 2.0, lacks=None if self.boards.slugs else SETTING)

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses whose board is known are asked about."""
        return None if self.boards.slug(firm) else f"its job board is not in {SETTING}"

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The positions on the board of `firm`."""
        slug = self.boards.slug(firm) or ""
        openings = await client.get(f"{HOME}/v0/postings/{slug}", {"mode": "json"}, _openings)
        match = self.boards.match(slug)
        return [hiring.signal(firm, openings, match, BOARD + slug)] if openings else []


def _openings(answer: Any) -> list[Opening]:
    found = []
    for row in rows(answer):
        number, title, categories = text(row, "id"), text(row, "text"), row.get("categories")
        place = text(categories, "location") if isinstance(categories, dict) else None
        if number and title:
            url, posted = link(row, "hostedUrl"), day_of_ms(row.get("createdAt"))
            found.append(Opening(number, title, url, posted, place))
    return found
