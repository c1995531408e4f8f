"""All outside sources on one port, for a whole platform: each knows whatever business is asked for.

`python -m tests.support.sources PORT [SHARE OF FAULTS]` serves it; `variables(url)` points every
source there. Its answers depend on the question alone, so two runs store the same signals.
"""

import random
import re
from typing import Any

import orjson
from aiohttp import web

from services.pipelines.ingestion.parties.names import name_key
from tests.support.sources import rows
from tests.support.sources.stand_in import (
    BROKEN,
    EMPTY,
    HTML,
    THROTTLED,
    TRUNCATED,
    Asked,
    Fault,
    StandIn,
)

FAULTS = (THROTTLED, BROKEN, TRUNCATED, HTML, EMPTY, Fault(503), Fault(slow_s=3.0))
NAMES = ("USASPENDING", "CHICAGO", "SF", "NYC", "OSHA", "EDGAR", "ADZUNA", "LICENCES")


def variables(url: str) -> dict[str, str]:
    """The environment of a platform that asks here."""
    keys = {
        "SOURCE_OSHA_KEY": "key", "SOURCE_EDGAR_CONTACT": "test@example.com",
        "SOURCE_ADZUNA_ID": "id", "SOURCE_ADZUNA_KEY": "key", "SOURCE_ADZUNA_QUOTA": "1000000",
    }  # fmt: skip
    return {f"SOURCE_{name}_URL": url for name in NAMES} | keys


def answer(asked: Asked) -> Any:
    """What a source tells of the business that a question names; two in three have something."""
    name, state = _business(asked)
    if "submissions" in asked.path:
        return rows.submissions(stateOrCountry="CO")
    known = name.isdecimal() or sum(name_key(name).encode()) % 3 > 0
    return _found(asked.path, name, state) if known else _nothing(asked.path)


def _found(path: str, name: str, state: str) -> Any:
    number = name if name.isdecimal() else str(sum(name.encode()))
    area = ["US", {"CO": "Colorado"}.get(state, "Colorado")]
    told: dict[str, Any] = {
        "spending_by_award": lambda: rows.awards(rows.award(number, name)),
        "ydr8-5enu": lambda: [rows.chicago(number, contact_2_name=name)],
        "3pee-9qhc": lambda: [rows.sf_contact(number, firm_name=name)],
        "i98e-djp9": lambda: [rows.sf(number)],
        "ipu4-2q9a": lambda: [rows.nyc(number, permittee_s_business_name=name)],
        "rbx6-tga4": lambda: [rows.dob_now(number, applicant_business_name=name)],
        "OSHA/inspection": lambda: {"data": [_inspection(int(number), name, state)]},
        "OSHA/violation": lambda: {"data": [rows.violation(int(name))]},
        "search-index": lambda: rows.hits(rows.form_d(name)),
        "jobs/us/search": lambda: {
            "results": [rows.position(number, name, location={"area": area})]
        },
        "r5kz-chrr": lambda: [rows.licence(number, legal_name=name)],
    }
    return next(make() for part, make in told.items() if part in path)


def _inspection(number: int, name: str, state: str) -> dict[str, Any]:
    where = {"site_state": state, "site_city": None, "site_zip": None, "site_address": None}
    return rows.inspection(number, estab_name=name, **where)


def _nothing(path: str) -> Any:
    empty: dict[str, Any] = {
        "spending_by_award": rows.awards(), "OSHA": {"data": []}, "search-index": rows.hits(),
        "jobs/us/search": {"results": []},
    }  # fmt: skip
    return next((told for part, told in empty.items() if part in path), [])


def _business(asked: Asked) -> tuple[str, str]:
    """(name, state) that a question is about; the number of an inspection counts as a name."""
    params = asked.params
    if asked.body:
        filters = asked.body["filters"]
        return filters["recipient_search_text"][0], filters["recipient_locations"][0]["state"]
    if wanted := params.get("filter_object"):
        fields = {f["field"]: f["value"] for many in orjson.loads(wanted).values() for f in many}
        name = fields.get("estab_name") or str(fields.get("activity_nr"))
        return _plain(name), fields.get("site_state", "CO")
    pattern = re.search(r"like '([^']*)'", params.get("$where", ""))
    listed = re.search(r"in \('([^']*)'", params.get("$where", ""))
    told = params.get("q") or params.get("$q") or params.get("company") or ""
    found = pattern or listed
    return _plain(found[1] if found else told), "CO"


def _plain(pattern: str) -> str:
    return " ".join(re.sub(r'[%"]', " ", pattern).split())


def app(share_of_faults: float, seed: int = 1) -> web.Application:
    """Every source, with that share of its answers spoilt, by a seed."""
    source, chance = StandIn(answer), random.Random(seed)

    async def handle(request: web.Request) -> web.StreamResponse:
        fault = chance.choice(FAULTS) if chance.random() < share_of_faults else None
        if fault is EMPTY and "OSHA" in request.path:
            fault = BROKEN  # an empty body is an answer there
        response = await source.handle(request, fault)
        source.asked.clear()
        return response

    made = web.Application()
    made.router.add_route("*", "/{path:.*}", handle)
    return made
