"""Which industry a debtor is in, inferred: words of its names, its lenders, its collateral.

The words are `industry.json` beside this module. An inference carries its confidence and
evidence; where the signs are few or disagree there is none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from services.pipelines.ingestion.parties.names import words

STRONG, WEAK, LENDER, GOODS = 0.85, 0.4, 0.5, 0.25
"""How sure one sign alone makes; signs add up as independent chances."""
EARLIER = 0.5
"""What is left of a sign that a strong word follows: MEDICAL STAFFING is staffing."""
SURE_ENOUGH = 0.4
_GOODS = {"inventory": "retail", "farm": "-agriculture"}


@dataclass(frozen=True, slots=True)
class Industry:
    """`value` is one of the product's industries; `confidence` 0 to 1; `evidence` in words."""

    value: str
    confidence: float
    evidence: list[str]


Terms = dict[tuple[str, ...], tuple[str, float]]


def _load() -> tuple[Terms, Terms]:
    """(words and phrases of names, first words of lenders), each to (industry, weight)."""
    names: Terms = {}
    lenders: Terms = {}
    data = orjson.loads(Path(__file__).with_name("industry.json").read_bytes())
    del data["about"]
    for industry, terms in data.items():
        names |= {_split(term): (industry, STRONG) for term in terms["strong"]}
        names |= {_split(term): (industry, WEAK) for term in terms["weak"]}
        lenders |= {_split(term): (industry, LENDER) for term in terms["lenders"]}
    return names, lenders


def _split(term: str) -> tuple[str, ...]:
    return tuple(words(term))


_NAMES, _LENDERS = _load()
_LONGEST = max(map(len, _NAMES))


def infer_industry(
    names: Iterable[str],
    lenders: Iterable[str] = (),
    collateral_kinds: Iterable[str] = (),
) -> Industry | None:
    """The industry of a debtor by its names (and trade names), lenders and kinds of collateral.

    None where nothing speaks for one, where two are close, or where the signs point to a line
    of business outside the product's list (farming, haulage, government).
    """
    signs = dict(_from_names(names)) | dict(_from_lenders(lenders))
    for kind in collateral_kinds:
        if kind in _GOODS:
            signs[f"collateral {kind}"] = (_GOODS[kind], GOODS)
    doubt: dict[str, float] = {}
    for industry, weight in signs.values():
        doubt[industry] = doubt.get(industry, 1.0) * (1 - weight)
    ranked = sorted(doubt, key=lambda industry: doubt[industry])
    if not ranked or ranked[0].startswith("-"):
        return None
    best, others = ranked[0], ranked[1:]
    confidence = round((1 - doubt[best]) * (doubt[others[0]] if others else 1), 2)
    if confidence < SURE_ENOUGH:
        return None
    return Industry(best, confidence, [sign for sign, (i, _) in signs.items() if i == best])


def _from_names(names: Iterable[str]) -> Iterator[tuple[str, tuple[str, float]]]:
    for name in names:
        share = 1.0
        for term in reversed(list(_terms(words(name)))):
            industry, weight = _NAMES[term]
            yield f'"{" ".join(term)}" in the name', (industry, weight * share)
            if weight == STRONG:
                share = EARLIER


def _terms(parts: list[str]) -> Iterator[tuple[str, ...]]:
    """Known words and phrases of a name, the longest first at each place."""
    at = 0
    while at < len(parts):
        for length in range(min(_LONGEST, len(parts) - at), 0, -1):
            term = tuple(parts[at : at + length])
            if term in _NAMES:
                yield term
                at += length
                break
        else:
            at += 1


def _from_lenders(lenders: Iterable[str]) -> Iterator[tuple[str, tuple[str, float]]]:
    for lender in lenders:
        parts = words(lender)
        for length in range(min(4, len(parts)), 0, -1):
            if sign := _LENDERS.get(tuple(parts[:length])):
                yield f"lender {lender}", sign
                break
