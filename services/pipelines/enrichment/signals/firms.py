"""What outside sources are asked about: a business under its names, at its places. Pure.

`recognise` decides whether a name that a source tells is this business, by the filing offices'
rules for names and by the place: never by the name alone across states.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from services.pipelines.enrichment.signals.places import Place
from services.pipelines.ingestion.parties import trade
from services.pipelines.ingestion.parties.names import ENDING, name_key, words

LEAST = 0.5
"""What is less likely than this to be the business is not told."""
SHORT = 5
"""Letters of a name key below which the same state is too little: many firms share such names."""

_ending = re.compile(ENDING)


@dataclass(frozen=True)
class Firm:
    """A prospect as sources may know it; `state` is that of its filing office."""

    prospect_id: UUID
    state: str
    name: str
    names: tuple[str, ...] = ()
    trade_names: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()

    @cached_property
    def keys(self) -> dict[str, str]:
        """Name keys of the business to the name behind each."""
        return _keys((self.name, *self.names))

    @cached_property
    def trade_keys(self) -> dict[str, str]:
        """Name keys of its trade names to the name behind each."""
        return _keys(self.trade_names)

    @cached_property
    def states(self) -> frozenset[str]:
        """The state of its filing office and those of its addresses."""
        return frozenset({self.state, *(p.state for p in self.places if p.state)})

    @cached_property
    def home(self) -> str:
        """The state it is asked for in: its filing office's, unless all its addresses are away."""
        away = [p.state for p in self.places if p.state]
        return self.state if self.state in away or not away else away[0]

    @cached_property
    def search_words(self) -> list[str]:
        """Words that every spelling of the name has: no form, no "the", no "and"."""
        return search_words(self.name)

    def in_city(self, cities: Iterable[str]) -> bool:
        """Whether one of its addresses is in one of the cities, told in upper case."""
        return not {(p.city or "").upper() for p in self.places}.isdisjoint(cities)


@dataclass(frozen=True, slots=True)
class Match:
    """How sure it is that a source means the business, and why."""

    confidence: float
    why: str


def recognise(
    firm: Firm, told: str, place: Place | None = None, *, within: str | None = None, cut: int = 0
) -> Match | None:
    """Whether the name `told`, at `place`, is `firm`; None where it is not, or not likely.

    `within`: the source was asked for this state only, which stands in for a place it does not
    tell. `cut`: the source keeps this many characters of a name.
    """
    named = _named(firm, told, cut)
    if named is None:
        return None
    sure, name_why, key = named
    where = _where(firm, place, within)
    if where is None:
        return None
    near, place_why = where
    if len(key) < SHORT and near < Place.CITY:
        return None
    confidence = round(sure * near, 2)
    return Match(confidence, f"{name_why}; {place_why}.") if confidence >= LEAST else None


def evidence(match: Match, said: dict[str, Any], *, id: str, url: str | None) -> dict[str, Any]:
    """What is kept beside a signal: the source's own words, where they stand, why they count."""
    told = {name: value for name, value in said.items() if value not in (None, "", [])}
    return {"id": id, "url": url, "said": told, "why": f"Inference: {match.why}"}


def search_words(name: str) -> list[str]:
    """The words of a name without its form and without what is spelt in several ways."""
    plain = " ".join(word for word in name.replace("&", " ").split() if word.isascii())
    kept = _ending.sub("", " ".join(words(plain))).split()
    dotted = {"".join(words(each)) for each in plain.split() if re.search(r"[.'’]", each)}
    found = [w for w in kept if w not in ("THE", "AND") and w not in dotted]
    return found or kept


def _keys(names: Iterable[str]) -> dict[str, str]:
    return {key: name for name in names if (key := name_key(name))}


def _named(firm: Firm, told: str, cut: int) -> tuple[float, str, str] | None:
    """(how sure, why, name key) where `told` is one of the firm's names."""
    main, others = trade.split(told)
    for spoken in (main, *others):
        key = name_key(spoken)
        if key in firm.keys:
            return 1.0, _same(spoken, firm.keys[key]), key
        if key in firm.trade_keys:
            return 0.85, f'"{spoken}" is its trade name "{firm.trade_keys[key]}"', key
    return _cut_short(firm, told, cut) if cut and len(told.strip()) >= cut - 1 else None


def _same(spoken: str, known: str) -> str:
    if spoken == known:
        return f'"{spoken}" is its name'
    return f'by the filing offices\' rules "{spoken}" is "{known}"'


def _cut_short(firm: Firm, told: str, cut: int) -> tuple[float, str, str] | None:
    """A name of which the source keeps the beginning only."""
    start = "".join(words(told.rstrip("& ")))
    for name in (firm.name, *firm.names):
        whole = "".join(words(name))
        if start and whole.startswith(start):
            return 0.85, f'"{told.strip()}", cut at {cut} characters, begins "{name}"', start
    return None


def _where(firm: Firm, place: Place | None, within: str | None) -> tuple[float, str] | None:
    """(how near, why) where the place told, or the state asked for, is one of the firm's."""
    if place is not None and place.known:
        near = [found for own in firm.places if (found := own.near(place))]
        if near:
            return max(near)
        if place.state == firm.state:
            return Place.OFFICE, f"it is in {firm.state}, the state of its filing office"
        return None
    if within is not None and within in firm.states:
        return Place.OFFICE, f"the source tells of {within} only"
    return None
