"""Parties and collateral from the cells of a row, the same for every register."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from hashlib import md5
from typing import TypedDict, TypeVar

from services.pipelines.ingestion.parties import collateral, trade
from services.pipelines.ingestion.parties.funders import identify_lender
from services.pipelines.ingestion.parties.names import clean_name, name_key
from services.pipelines.ingestion.parties.people import is_business
from services.pipelines.ingestion.records import Action, Collateral, Mca, Party, Role
from services.pipelines.ingestion.registers.base import KEY_MAX, BadRow


class Place(TypedDict, total=False):
    """Where a party is, as filed."""

    address1: str | None
    address2: str | None
    city: str | None
    state: str | None
    zip: str | None
    country: str | None


class _Lender(TypedDict, total=False):
    lender: str
    lender_kind: str
    lender_mca: Mca
    lender_evidence: str


@lru_cache(maxsize=20_000)
def _organization(filed: str) -> tuple[str, str, bool, tuple[str, ...]]:
    """(name, key, whether a business, trade names) of a name in an organization's column."""
    name, trade_names = trade.split(clean_name(filed))
    business = is_business(name, organization=True)
    return name, name_key(name) if business else "", business, trade_names


def organization(
    role: Role,
    filed: str,
    place: Place,
    key: str | None = None,
    *,
    action: Action = "add",
    active: bool = True,
    assignor: bool = False,
) -> Party:
    """A party filed as an organization; a secured one with the lender behind the name.

    Raises BadRow for a name that no index takes.
    """
    if len(filed) > KEY_MAX:
        raise BadRow(f"the name has {len(filed)} characters, more than {KEY_MAX}")
    name, normal, business, trade_names = _organization(filed)
    return Party(
        role=role,
        key=key or content_key(role, filed, *_cells(place)),
        name=name or filed,
        is_organization=True,
        is_business=business,
        name_key=normal,
        trade_names=trade_names,
        action=action,
        active=active,
        assignor=assignor,
        **_lender(role, filed),
        **place,
    )


def _lender(role: Role, filed: str) -> _Lender:
    if role == "debtor":
        return {}
    found = identify_lender(filed)
    return {
        "lender": found.name,
        "lender_kind": found.kind,
        "lender_mca": found.mca,
        "lender_evidence": found.evidence,
    }


def _cells(place: Place) -> list[str | None]:
    return [place.get("address1"), place.get("address2"), place.get("city"), place.get("zip")]


_PERSON: _Lender = {
    "lender_kind": "other",
    "lender_mca": "none",
    "lender_evidence": "a person",
}


def individual(
    role: Role,
    names: Iterable[str | None],
    place: Place,
    key: str | None = None,
    *,
    action: Action = "add",
    active: bool = True,
    assignor: bool = False,
) -> Party:
    """A party filed as a person: first, middle, last name, suffix. Raises BadRow for nobody."""
    name = " ".join(part for part in names if part)
    if not name:
        raise BadRow("the row names nobody: neither an organization nor a person")
    lender: _Lender = {"lender": name, **_PERSON} if role == "secured" else {}
    return Party(
        role=role,
        key=key or content_key(role, name, *_cells(place)),
        name=name,
        is_organization=False,
        is_business=False,
        name_key="",
        action=action,
        active=active,
        assignor=assignor,
        **lender,
        **place,
    )


def goods(
    texts: Iterable[str | None], key: str | None, *, action: Action = "add", active: bool = True
) -> Collateral:
    """Collateral in the words of the filing; a first "UNKNOWN" gives way to what follows it."""
    told = [part for part in texts if part]
    if len(told) > 1 and told[0].upper() == "UNKNOWN":
        del told[0]
    words = " ".join(told)
    return Collateral(
        key=key or content_key("collateral", words),
        text=words,
        kinds=collateral.kinds(words),
        mca_phrase=collateral.mca_phrase(words),
        action=action,
        active=active,
    )


def content_key(*cells: str | None) -> str:
    """A key for rows that bring none: the same content has the same key."""
    joined = "\x1f".join(cell or "" for cell in cells)
    return md5(joined.encode(), usedforsecurity=False).hexdigest()


Part = TypeVar("Part", Party, Collateral)


def distinct(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Without exact duplicates; different rows under one id get keys of their own."""
    found: dict[tuple[str, str], Part] = {}
    for part in parts:
        role = part.role if isinstance(part, Party) else ""
        kept = found.setdefault((role, part.key), part)
        if kept != part:
            other = replace(part, key=f"{part.key}~{content_key(repr(part))[:8]}")
            found[(role, other.key)] = other
    return tuple(found.values())
