"""OSHA's inspections and violations by the DOL API (apiprod.dol.gov, v4; a free key).

An inspection names the establishment and its site; its violations are another data set, joined
by activity_nr, and the penalties are summed from them. Dates cannot be compared in a query. No
rows is a 204 or an empty body. The API throttles early, hence the slow pace.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

import orjson

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, Match, evidence, recognise
from services.pipelines.enrichment.signals.paging import Page, Row, all_pages
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.reading import day, dollars, iso, member, rows, text
from services.pipelines.enrichment.signals.window import since, today

HOME = "https://apiprod.dol.gov"
INSPECTIONS, VIOLATIONS = (
    f"{HOME}/v4/get/OSHA/{name}/json" for name in ("inspection", "violation")
)
DETAIL = "https://www.osha.gov/ords/imis/establishment.inspection_detail?id="
PAGE = 200
MOST_PAGES = 5
MONTHS = 36
AT_ONCE = 20
KINDS = {"S": "serious", "W": "wilful", "R": "repeat", "O": "other"}


def about(key: str | None) -> About:
    """The terms; without a key it is not configured."""
    lacks = None if key else "SOURCE_OSHA_KEY"
    return About("osha", HOME, 0.5, lacks=lacks, secrets={"X-API-KEY": key} if key else {})


@dataclass(frozen=True, slots=True)
class Osha:
    """One signal an inspection of the last three years that found a violation."""

    about: About
    today: Callable[[], date] = today

    def passes(self, _: Firm, /) -> str | None:
        """Every business may be inspected."""
        return None

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The inspections of `firm` in its home state, with what they found."""
        name = "%" + "%".join(firm.search_words) + "%"
        wanted = [
            {"field": "site_state", "operator": "eq", "value": firm.home},
            {"field": "estab_name", "operator": "like", "value": name},
        ]
        found = await _rows(client, INSPECTIONS, {"and": wanted}, "open_date")
        first = since(self.today(), MONTHS)
        mine = [each for row in found if (each := _mine(firm, row, first))]
        violations = await self._violations(client, [number for number, _, _ in mine])
        told = [_signal(firm, row, match, violations.get(n, [])) for n, row, match in mine]
        return [signal for signal in told if signal]

    async def _violations(self, client: Client, numbers: Sequence[str]) -> dict[str, list[Row]]:
        """Violations that stand, by the number of their inspection."""
        found: dict[str, list[Row]] = {}
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            equal = [{"field": "activity_nr", "operator": "eq", "value": each} for each in some]
            wanted = {"or": equal} if len(equal) > 1 else {"and": equal}
            for row in await _rows(client, VIOLATIONS, wanted, "issuance_date"):
                if not text(row, "delete_flag"):
                    found.setdefault(text(row, "activity_nr") or "", []).append(row)
        return found


async def _rows(client: Client, url: str, wanted: dict[str, Any], sort_by: str) -> list[Row]:
    async def page(number: int) -> Page:
        params = {
            "limit": str(PAGE),
            "offset": str(number * PAGE),
            "sort": "desc",
            "sort_by": sort_by,
            "filter_object": orjson.dumps(wanted).decode(),
        }
        found = await client.get(url, params, _data)
        return found, len(found) >= PAGE

    return await all_pages(page, MOST_PAGES)


def _data(answer: Any) -> list[Row]:
    return [] if answer is None else rows(member(answer, "data"))


def _mine(firm: Firm, row: Row, first: date) -> tuple[str, Row, Match] | None:
    """(number, row, match) of an inspection of the business since `first`."""
    number, name, opened = (
        text(row, "activity_nr"),
        text(row, "estab_name"),
        day(row.get("open_date")),
    )
    if not number or not name or opened is None or opened < first:
        return None
    parts = ("site_address", "site_city", "site_state", "site_zip")
    place = Place.of(*(text(row, part) for part in parts))
    match = recognise(firm, name, place if place.known else None, within=firm.home)
    return (number, row, match) if match else None


def _signal(firm: Firm, row: Row, match: Match, violations: Sequence[Row]) -> Signal | None:
    if not violations:
        return None
    number = text(row, "activity_nr") or ""
    penalties = [dollars(each.get("current_penalty")) or 0.0 for each in violations]
    kinds = _kinds(violations)
    said = {
        "inspection": number,
        "establishment": text(row, "estab_name"),
        "site": ", ".join(filter(None, (text(row, "site_address"), text(row, "site_city")))),
        "opened_on": iso(day(row.get("open_date"))),
        "inspection_type": text(row, "insp_type"),
        "violations": len(violations),
        "kinds": kinds,
        "penalties": round(sum(penalties), 2),
        "standards": sorted({s for v in violations if (s := text(v, "standard"))})[:10],
    }
    return Signal(
        prospect_id=firm.prospect_id,
        type="violation",
        source_key=number,
        observed_on=day(row.get("open_date")),
        title=_title(len(violations), kinds),
        amount=round(sum(penalties), 2) or None,
        confidence=match.confidence,
        evidence=evidence(match, said, id=number, url=DETAIL + quote(number)),
    )


def _kinds(violations: Iterable[Row]) -> dict[str, int]:
    counts = dict.fromkeys(KINDS.values(), 0)
    for row in violations:
        counts[KINDS.get((text(row, "viol_type") or "").upper(), "other")] += 1
    return {kind: count for kind, count in counts.items() if count}


def _title(count: int, kinds: dict[str, int]) -> str:
    worst = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
    return f"OSHA inspection: {count} violation{'' if count == 1 else 's'} ({worst})"
