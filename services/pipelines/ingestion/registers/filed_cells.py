"""Cells and judgements that registers in files share: dates of every spelling, kinds, liens."""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from services.pipelines.ingestion.records import FilingType, Kind, Party
from services.pipelines.ingestion.registers.base import BadRow, Row, text
from services.pipelines.ingestion.registers.words import amendment_kind, filing_type

_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ T].*)?")
_JOINED = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[ T].*)?")
_DASHED = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T].*)?")
_STRENGTH: tuple[Kind, ...] = (
    "correction", "termination", "continuation", "assignment", "partial_assignment",
    "party_change", "collateral_change", "information", "other",
)  # fmt: skip
_TAXES: frozenset[FilingType] = frozenset(("federal_tax_lien", "state_tax_lien"))


def day(row: Row, column: str) -> date | None:
    """A date as 06/30/2026, 2026-06-30 or 20260630, whatever time follows. Raises BadRow."""
    value = text(row, column)
    if value is None:
        return None
    try:
        return _date(value)
    except ValueError:
        raise BadRow(f"column {column} is no date: {value!r}") from None


def required_day(row: Row, column: str) -> date:
    """A date that must be there. Raises BadRow."""
    if found := day(row, column):
        return found
    raise BadRow(f"column {column} is missing")


@lru_cache(maxsize=8192)
def _date(value: str) -> date:
    if match := _SLASHED.fullmatch(value):
        month, day_, year = map(int, match.groups())
    elif match := _JOINED.fullmatch(value) or _DASHED.fullmatch(value):
        year, month, day_ = map(int, match.groups())
    else:
        raise ValueError(value)
    return date(year, month, day_)


def strongest(told: Iterable[str | None], parties: Iterable[Party] = ()) -> Kind:
    """What an amendment does by all that is said of it; bare words with parties change these."""
    kinds = {kind for words in told if words and (kind := amendment_kind(words))}
    if kinds:
        return min(kinds, key=_STRENGTH.index)
    return "party_change" if any(parties) else "other"


def lien(told: Iterable[str | None], parties: Iterable[Party]) -> FilingType:
    """Type of a lien by the office's words, else by who holds it; a lender's where none tells."""
    if found := filing_type(*told):
        return found
    holders = [p.name for p in parties if p.role == "secured" and p.lender_kind == "tax"]
    if not holders:
        courts = any(p.lender_kind == "judgment" for p in parties if p.role == "secured")
        return "judgment_lien" if courts else "ucc"
    named = filing_type(*holders)
    return named if named in _TAXES else "state_tax_lien"
