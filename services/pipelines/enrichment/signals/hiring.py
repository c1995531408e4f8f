"""A business that hires: what the sources of open positions share. Pure.

However many positions are open, it is one signal a source: the business hires. The newest ten
stand in its evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.pipelines.enrichment.signals import Signal
from services.pipelines.enrichment.signals.firms import Firm, Match, evidence
from services.pipelines.enrichment.signals.reading import iso
from services.pipelines.ingestion.parties.names import name_key

SHOWN = 10
KEY = "openings"


@dataclass(frozen=True, slots=True)
class Opening:
    """An open position."""

    id: str
    title: str
    url: str | None = None
    posted_on: date | None = None
    place: str | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """As evidence."""
        told = {"url": self.url, "posted_on": iso(self.posted_on), "place": self.place}
        return {"title": self.title, **{name: value for name, value in told.items() if value}}


def signal(firm: Firm, openings: Sequence[Opening], match: Match, url: str | None) -> Signal:
    """That `firm` has these open positions, at least one."""
    newest = sorted(openings, key=lambda each: (each.posted_on or date.min, each.id), reverse=True)
    count = len(openings)
    said = {"open": count, "newest": [each.shown for each in newest[:SHOWN]]}
    return Signal(
        prospect_id=firm.prospect_id,
        type="hiring",
        source_key=KEY,
        observed_on=newest[0].posted_on,
        title=f"Hiring: {count} open position{'' if count == 1 else 's'}",
        confidence=match.confidence,
        evidence=evidence(match, said, id=KEY, url=url),
    )


@dataclass(frozen=True, slots=True)
class Boards:
    """Which job board is whose: `SLUG=STATE:NAME; ...` of SOURCE_<NAME>_BOARDS."""

    setting: str
    slugs: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, setting: str, value: str) -> "Boards":
        """Raises ValueError that names the entry which cannot be read."""
        slugs = {}
        for entry in filter(None, map(str.strip, value.split(";"))):
            slug, _, owner = entry.partition("=")
            state, _, name = owner.partition(":")
            plain = slug.strip().replace("-", "").replace("_", "").replace(".", "")
            if not (plain.isascii() and plain.isalnum()) or not name_key(name):
                raise ValueError(f"{entry!r} is not like acme=CO:Acme LLC")
            slugs[state.strip().upper(), name_key(name)] = slug.strip()
        return cls(setting, slugs)

    def slug(self, firm: Firm) -> str | None:
        """The board of `firm`, where it is known."""
        keys = [*firm.keys, *firm.trade_keys]
        return next((s for key in keys if (s := self.slugs.get((firm.state, key)))), None)

    def match(self, slug: str) -> Match:
        """A person said so."""
        return Match(0.95, f'{self.setting} says that "{slug}" is the job board of this business.')
