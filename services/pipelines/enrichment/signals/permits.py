"""Building permits of a city's Socrata host: what every city's file shares.

A permit names the businesses that work on it. A city is asked for the permits that name a
business; its own file says by which columns, and what its cells are worth. All numbers arrive as
text, null cells are left out, and order is never implied (dev.socrata.com).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote, urlsplit

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, Match, evidence
from services.pipelines.enrichment.signals.paging import Page, Row, all_pages
from services.pipelines.enrichment.signals.reading import iso, rows

PAGE = 1000
MOST_PAGES = 5
MONTHS = 12
POLITE_RATE = 4.0
IN_MAX = 100


def about(name: str, host: str, token: str | None = None) -> About:
    """The terms of a Socrata host; a token raises the shared limit, none is needed."""
    headers = {"X-App-Token": token} if token else {}
    return About(name, f"https://{host}", POLITE_RATE, headers=headers)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set of one host, read page by page in a stable order."""

    client: Client
    home: str
    id: str

    async def read(self, order: str, where: str | None = None, q: str | None = None) -> list[Row]:
        """Every row that fits, at most five thousand. Raises as the client does."""
        asked = {"$where": where, "$q": q, "$order": order, "$limit": str(PAGE)}
        params = {name: value for name, value in asked.items() if value}

        async def page(number: int) -> Page:
            at = {"$offset": str(number * PAGE)}
            found = await self.client.get(self.url, params | at, rows)
            return found, len(found) >= PAGE

        return await all_pages(page, MOST_PAGES)

    async def matching(self, column: str, values: Sequence[str], order: str) -> list[Row]:
        """Every row whose column holds one of the values."""
        found: list[Row] = []
        for start in range(0, len(values), IN_MAX):
            listed = ",".join(quoted(value) for value in values[start : start + IN_MAX])
            found += await self.read(order, where=f"{column} in ({listed})")
        return found

    @property
    def url(self) -> str:
        """Where it is read."""
        return f"{self.home}/resource/{self.id}.json"


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit as a signal tells it; `role` is what the business does on it."""

    number: str
    issued_on: date | None
    role: str
    city: str
    kind: str | None = None
    cost: float | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    def signal(self, firm: Firm, match: Match, url: str) -> Signal:
        """That `firm` works on it."""
        said = {"permit": self.number, "role": self.role, "kind": self.kind, **self.said}
        title = f"Building permit in {self.city}: {(self.kind or 'work').lower()}"
        return Signal(
            prospect_id=firm.prospect_id,
            type="permit",
            source_key=self.number,
            observed_on=self.issued_on,
            title=title,
            amount=self.cost,
            confidence=match.confidence,
            evidence=evidence(
                match, said | {"issued_on": iso(self.issued_on)}, id=self.number, url=url
            ),
        )


def elsewhere(firm: Firm, state: str, city: str) -> str | None:
    """Why a city is not asked: the business is not known in its state."""
    return None if state in firm.states else f"no address in {state}: {city} is not asked"


def like(column: str, words: Sequence[str]) -> str:
    """A condition that the words follow each other in a column, whatever stands between."""
    pattern = "%" + "%".join(words) + "%"
    return f"upper({column}) like {quoted(pattern)}"


def quoted(value: str) -> str:
    """A text literal of SoQL."""
    return "'" + value.replace("'", "''") + "'"


def row_url(dataset: Dataset, column: str, value: str) -> str:
    """Where a row can be looked at, by the public address of its host."""
    return f"https://{urlsplit(dataset.home).netloc}/resource/{dataset.id}.json?{column}={quote(value)}"
