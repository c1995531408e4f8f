"""Building permits of New York (data.cityofnewyork.us): ipu4-2q9a (legacy) and rbx6-tga4 (DOB NOW).

The legacy set writes its dates as text, MM/DD/YYYY, which cannot be compared in a query, so rows
are asked by name and dated here. It pads street names and keeps 25 characters of a permittee's
name; it tells no cost. Neither says where the permittee sits, only where the work is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from services.pipelines.enrichment.signals import About, Signal
from services.pipelines.enrichment.signals.client import Client
from services.pipelines.enrichment.signals.firms import Firm, recognise
from services.pipelines.enrichment.signals.paging import Row
from services.pipelines.enrichment.signals.permits import (
    MONTHS,
    Dataset,
    Permit,
    about,
    elsewhere,
    like,
    row_url,
)
from services.pipelines.enrichment.signals.reading import day, dollars, text
from services.pipelines.enrichment.signals.window import since, today

HOST, LEGACY, NOW = "data.cityofnewyork.us", "ipu4-2q9a", "rbx6-tga4"
ABOUT = about("nyc", HOST)
CUT = 25
"""Characters of a permittee's name that the legacy set keeps."""
LEGACY_NAMES = {"permittee_s_business_name": "permittee", "owner_s_business_name": "owner"}
NOW_NAMES = {"applicant_business_name": "applicant", "owner_business_name": "owner"}


@dataclass(frozen=True, slots=True)
class NewYork:
    """One signal a permit of the last year that names the business as permittee or owner."""

    about: About = ABOUT
    today: Callable[[], date] = today

    def passes(self, firm: Firm, /) -> str | None:
        """Only businesses known in New York are asked about."""
        return elsewhere(firm, "NY", "New York")

    async def ask(self, client: Client, firm: Firm) -> list[Signal]:
        """The permits of `firm` in both data sets, by each column of names."""
        legacy = Dataset(client, self.about.home, LEGACY)
        now = Dataset(client, self.about.home, NOW)
        first = since(self.today(), MONTHS)
        found: list[Signal | None] = []
        for column, role in LEGACY_NAMES.items():
            where = like(column, _whole_words(firm.search_words))
            for row in await legacy.read("job__,permit_sequence__", where):
                found.append(_legacy(firm, row, column, role, legacy))
        for column, role in NOW_NAMES.items():
            where = f"{like(column, firm.search_words)} and issued_date>='{first}'"
            for row in await now.read("issued_date,job_filing_number", where):
                found.append(_dob_now(firm, row, column, role, now))
        return [s for s in found if s and s.observed_on and s.observed_on >= first]


def _whole_words(words: list[str]) -> list[str]:
    """Those that stand before the cut, the first at least."""
    kept = [w for n, w in enumerate(words) if len(" ".join(words[: n + 1])) <= CUT - 1]
    return kept or [words[0][: CUT - 1]]


def _legacy(firm: Firm, row: Row, column: str, role: str, dataset: Dataset) -> Signal | None:
    job, name = text(row, "job__"), text(row, column)
    cut = CUT if role == "permittee" else 0
    match = recognise(firm, name, within="NY", cut=cut) if job and name else None
    if not job or match is None:
        return None
    # a renewal is the same permit with the next sequence number, read last
    parts = (job, text(row, "job_doc___"), text(row, "permit_type"))
    permit = Permit(
        number="-".join(filter(None, parts)),
        issued_on=day(row.get("issuance_date")),
        role=role,
        city="New York",
        kind=text(row, "job_type"),
        said={
            "address": _address(row, "house__"),
            "borough": text(row, "borough"),
            "status": text(row, "permit_status"),
            "filing": text(row, "filing_status"),
            "license": text(row, "permittee_s_license__"),
        },
    )
    return permit.signal(firm, match, row_url(dataset, "job__", job))


def _dob_now(firm: Firm, row: Row, column: str, role: str, dataset: Dataset) -> Signal | None:
    job, name = text(row, "job_filing_number"), text(row, column)
    match = recognise(firm, name, within="NY") if job and name else None
    if not job or match is None:
        return None
    permit = Permit(
        number=text(row, "work_permit") or job,
        issued_on=day(row.get("issued_date")) or day(row.get("approved_date")),
        role=role,
        city="New York",
        kind=text(row, "work_type"),
        cost=dollars(row.get("estimated_job_costs")),
        said={
            "work": text(row, "job_description"),
            "address": _address(row, "house_no"),
            "borough": text(row, "borough"),
            "status": text(row, "permit_status"),
        },
    )
    return permit.signal(firm, match, row_url(dataset, "job_filing_number", job))


def _address(row: Row, house: str) -> str | None:
    """House and street; text() takes the padding out of "EAST    4 STREET"."""
    return " ".join(filter(None, (text(row, house), text(row, "street_name")))) or None
