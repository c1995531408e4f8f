"""Open positions on a Greenhouse job board (boards-api.greenhouse.io, no key).

A board is found by its slug alone, which nothing in a filing tells: SOURCE_GREENHOUSE_BOARDS
says whose each is.
"""

from dataclasses import dataclass
from typing import Any

from services.pipelines.enrichment.signals import About, Signal, hiring
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.hiring import Boards, Opening
from services.pipelines.enrichment.signals.reading import day, link, member, rows, text

HOME = "https://boards-api.greenhouse.io"
BOARD = "https://boards.greenhouse.io/"
SETTING = "SOURCE_GREENHOUSE_BOARDS"


@dataclass(frozen=True, slots=True)
class Greenhouse:
    """One signal where the board has a position."""

    boards: Boards

    @property
    def about(self) -> About:
        """The terms; without any board it is not configured."""
        return About("greenhouse", HOME, 2.0, lacks=None if self.boards.slugs else SETTING)

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses whose board is known are asked about."""
        return None if self.boards.slug(firm) else f"its job board is not in {SETTING}"

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The positions on the board of `firm`."""
        slug = self.boards.slug(firm) or ""
        openings = await client.get(f"{HOME}/v1/boards/{slug}/jobs", {}, _openings)
        match = self.boards.match(slug)
        return [hiring.signal(firm, openings, match, BOARD + slug)] if openings else []


def _openings(answer: Any) -> list[Opening]:
    found = []
    for row in rows(member(answer, "jobs")):
        number, title, location = text(row, "id"), text(row, "title"), row.get("location")
        place = text(location, "name") if isinstance(location, dict) else None
        if number and title:
            url, posted = link(row, "absolute_url"), day(row.get("updated_at"))
            found.append(Opening(number, title, url, posted, place))
    return found
