"""What is asked: the lists of the specification with its filters, get, patch, claim, a walk."""

import random
from collections.abc import Sequence
from urllib.parse import urlencode

import orjson

from services.common.types import Industry
from services.prospects.filters import SortBy, SortOrder
from tests.load.api.load import Question
from tests.load.api.world import STATES

LIST = "/api/prospects"
PAGES = 50
_ASKED = 2000
_SORTS: tuple[SortBy, ...] = ("priority_score", "created_at", "company_name")
_ORDERS: tuple[SortOrder, ...] = ("asc", "desc")
_STATUSES = ("all", "unclaimed", "claimed", "contacted")


def lists(seed: int = 1) -> Question:
    """Pages 1 to 50 with each filter of the specification in one request of two."""
    chance = random.Random(seed)
    return Question("list, pages 1..50, filters", [_list(chance) for _ in range(_ASKED)])


def _list(chance: random.Random) -> str:
    asked: dict[str, object] = {"page": chance.randint(1, PAGES), "limit": 20}
    if chance.random() < 0.5:
        asked["state"] = chance.choice(STATES)
    if chance.random() < 0.5:
        asked["industry"] = chance.choice(list(Industry)).value
    if chance.random() < 0.5:
        asked["min_score"] = chance.randint(0, 60)
    if chance.random() < 0.5:
        asked["max_score"] = chance.randint(60, 100)
    if chance.random() < 0.5:
        asked["status"] = chance.choice(_STATUSES)
    if chance.random() < 0.5:
        asked["sort_by"], asked["sort_order"] = chance.choice(_SORTS), chance.choice(_ORDERS)
    return f"GET\t{LIST}?{urlencode(asked)}"


def first_page() -> Question:
    """The list as it opens."""
    return Question("list, page 1", [f"GET\t{LIST}?limit=20"])


def filtered() -> Question:
    """A list as a salesperson asks it."""
    lines = [f"GET\t{LIST}?limit=20&state={state}&min_score=40" for state in STATES]
    return Question("list, state and min_score", lines)


def far_page(page: int = 5000) -> Question:
    """A page by number, far down."""
    return Question(f"list, page {page}", [f"GET\t{LIST}?page={page}&limit=20"])


def after(cursor: str) -> Question:
    """The page that follows a cursor."""
    return Question("by cursor", [f"GET\t{LIST}?limit=20&cursor={cursor}"])


def gets(ids: Sequence[str]) -> Question:
    """Prospects by id."""
    return Question("get", [f"GET\t{LIST}/{each}" for each in ids])


def patches(ids: Sequence[str]) -> Question:
    """Notes, another one each time."""
    bodies = [orjson.dumps({"notes": f"called on {n}"}).decode() for n in range(len(ids))]
    return Question(
        "patch", [f"PATCH\t{LIST}/{i}\t{body}" for i, body in zip(ids, bodies, strict=True)]
    )


def claims(ids: Sequence[str]) -> Question:
    """Each of them once: more than can be claimed in the time."""
    return Question("claim", [f"POST\t{LIST}/{each}/claim" for each in ids])
