"""Capital raised: Form D notices in SEC EDGAR's full-text search, checked in the submissions.

The search finds words anywhere in a notice; who filed it, and from where, the submissions of its
CIK tell. The SEC answers nobody who does not name a contact in the User-Agent, and ten requests
a second at most.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from services.common.errors import SourceRejected
from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import USER_AGENT, Client
from services.pipelines.enrichment.signals.firms import Firm, Match, evidence, recognise
from services.pipelines.enrichment.signals.paging import Page, Row, all_pages
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, iso, member, plain, rows, text
from services.pipelines.enrichment.signals.window import month_end, since, today

SEARCH = "https://efts.sec.gov/LATEST/search-index"
SUBMISSIONS = "https://data.sec.gov/submissions/CIK{cik:0>10}.json"
NOTICE = "https://www.sec.gov/Archives/edgar/data/{cik}/{folder}/"
MOST_PAGES = 5
MONTHS = 24
_display = re.compile(r"^(.*?)(?: \([A-Z0-9.,\- ]+\))? \(CIK 0*(\d{1,10})\)$")


def about(contact: str | None) -> About:
    """The terms; without a contact it is not configured."""
    lacks = None if contact else "SOURCE_EDGAR_CONTACT"
    headers = {"User-Agent": f"{USER_AGENT} {contact}"} if contact else {}
    return About("edgar", "https://efts.sec.gov", 5.0, lacks=lacks, headers=headers)


@dataclass(frozen=True, slots=True)
class Filer:
    """Who files under a CIK, as its submissions tell."""

    names: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Edgar:
    """One signal a Form D of the last two years; its amendments tell nothing new."""

    about: About
    today: Callable[[], date] = today

    def passes(self, _: Firm, /) -> str | None:
        """Every business may have raised capital."""
        return None

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The notices that name `firm`, where the filer is the business."""
        filers: dict[str, Filer | None] = {}
        found = []
        for hit in await self._hits(client, firm):
            name, cik = _filer(hit)
            told = member(hit, "_source")
            if not cik or not name or told.get("form") != "D":
                continue
            # the name first: submissions are asked of likely filers only
            if not recognise(firm, name, within=firm.state):
                continue
            if cik not in filers:
                filers[cik] = await _submissions(client, cik)
            match = _match(firm, name, filers[cik], told)
            if match and (number := _number(hit)):
                found.append(_signal(firm, told, (number, cik, name), match))
        return found

    async def _hits(self, client: Client, firm: Firm) -> list[Row]:
        day, got = self.today(), 0
        params = {
            "q": '"' + " ".join(firm.search_words) + '"',
            "forms": "D",
            "dateRange": "custom",
            "startdt": since(day, MONTHS).isoformat(),
            "enddt": month_end(day).isoformat(),
        }

        async def page(_: int) -> Page:
            nonlocal got
            found, count, total = await client.get(SEARCH, params | {"from": str(got)}, _page)
            got += count
            return found, got < total

        return await all_pages(page, MOST_PAGES)


def _page(answer: Any) -> tuple[list[Row], int, int]:
    """Hits that say something, how many hits the page has, and how many there are in all."""
    sent = member(answer, "hits", "hits")
    found = rows(sent)
    total = member(answer, "hits").get("total")
    value = total.get("value") if isinstance(total, dict) else total
    hits = [hit for hit in found if isinstance(hit.get("_source"), dict)]
    return hits, len(sent), value if isinstance(value, int) else len(sent)


def _filer(hit: Row) -> tuple[str | None, str | None]:
    """Name and CIK of the first filer: "Ovintiv Inc.  (OVV)  (CIK 0001792580)"."""
    names = hit["_source"].get("display_names")
    first = plain(names[0]) if isinstance(names, list) and names else None
    parts = _display.match(first or "")
    return (parts[1], parts[2]) if parts else (first, None)


async def _submissions(client: Client, cik: str) -> Filer | None:
    """None where there are none of this CIK."""
    try:
        return await client.get(SUBMISSIONS.format(cik=cik), {}, _read_filer)
    except SourceRejected:
        return None


def _read_filer(answer: Any) -> Filer:
    name = plain(member(answer, "name"))
    addresses = answer.get("addresses")
    business = addresses.get("business") if isinstance(addresses, dict) else None
    at = business if isinstance(business, dict) else {}
    former = answer.get("formerNames")
    names = [text(each, "name") for each in rows(former if isinstance(former, list) else [])]
    return Filer(
        names=tuple(each for each in (name, *names) if each),
        place=Place.of(
            *(text(at, part) for part in ("street1", "city", "stateOrCountry", "zipCode"))
        ),
    )


def _match(firm: Firm, name: str, filer: Filer | None, told: Row) -> Match | None:
    """By the filer's address, else by the place in the notice; never by the name alone."""
    if filer and filer.place.known:
        found = [m for each in (name, *filer.names) if (m := recognise(firm, each, filer.place))]
        return max(found, key=lambda match: match.confidence, default=None)
    states = told.get("biz_states")
    state = states[0] if isinstance(states, list) and states else None
    place = Place.of(state=state if isinstance(state, str) else None)
    return recognise(firm, name, place) if place.known else None


def _number(hit: Row) -> str | None:
    """The accession number of a notice, which stands before the file in the id, too."""
    return text(hit["_source"], "adsh") or (text(hit, "_id") or "").partition(":")[0] or None


def _signal(firm: Firm, told: Row, notice: tuple[str, str, str], match: Match) -> Signal:
    number, cik, name = notice
    filed_on = day(told.get("file_date"))
    said = {"form": "D", "filer": name, "cik": cik, "filed_on": iso(filed_on)}
    url = NOTICE.format(cik=cik, folder=quote(number.replace("-", ""), safe=""))
    return Signal(
        prospect_id=firm.prospect_id,
        type="expansion",
        source_key=number,
        observed_on=filed_on,
        title="Capital raised: a Form D notice of exempt securities",
        confidence=match.confidence,
        evidence=evidence(match, said, id=number, url=url),
    )
