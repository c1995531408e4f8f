"""Who lends: a secured party as filed -> the lender behind it, its kind, and the evidence.

The list is `funders.json` beside this module. A name is matched whole, or by its first words
with the descriptors kept: "NATIONAL FUNDING" must not catch the banks that begin with NATIONAL.
Filing agents hide their principal, so what they file is only a *possible* cash advance.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

import orjson

from services.pipelines.ingestion.parties import trade
from services.pipelines.ingestion.parties.names import clean_name, name_key, words

Kind = Literal[
    "bank", "equipment", "mca", "fintech", "factor", "agent", "tax", "judgment", "government",
    "other",
]  # fmt: skip
Mca = Literal["certain", "possible", "none"]


@dataclass(frozen=True, slots=True)
class Lender:
    """`name`: de-aliased, else as filed; `mca`: whether this is a merchant cash advance funder."""

    name: str
    kind: Kind
    evidence: str
    mca: Mca = "none"


@dataclass(frozen=True, slots=True)
class _Known:
    name: str
    kind: Kind
    mca: Mca


_MCA_OF: dict[Kind, Mca] = {"mca": "certain", "agent": "possible"}
_BY_WORDS: tuple[tuple[Kind, Mca, re.Pattern[str]], ...] = tuple(
    (cast(Kind, kind), cast(Mca, mca), re.compile(rf"\b(?:{pattern})\b"))
    for kind, mca, pattern in (
        ("judgment", "none", "JUDGMENT|JUDICIAL|(?:DISTRICT|SUPERIOR|COUNTY|CIRCUIT) COURT"),
        ("tax", "none", "INTERNAL REVENUE|IRS|(?:DEPARTMENT|DEPT) OF (?:REVENUE|TAXATION|LABOR)|"
         "TAX(?:ES)? COLLECTOR|COLLECTOR OF (?:TAXES|REVENUE)|REVENUE SERVICES|FRANCHISE TAX|"
         "LABOR AND EMPLOYMENT|EMPLOYMENT (?:SECURITY|DEVELOPMENT)|UNEMPLOYMENT|TREASURER|"
         "(?:DEPARTMENT|DEPT) OF (?:THE )?TREASURY|TAX (?:COMMISSION|ADMINISTRATOR)|COMPTROLLER"),
        ("government", "none", "SMALL BUSINESS ADMINISTRATION|FARM SERVICE AGENCY|USDA|"
         "^(?:THE )?(?:CITY|TOWN|COUNTY|STATE|VILLAGE|BOROUGH) OF|HOUSING AUTHORITY|"
         "UNITED STATES OF AMERICA|(?:DEPARTMENT|DEPT) OF|ECONOMIC DEVELOPMENT"),
        ("mca", "possible", "MERCHANT (?:CASH|ADVANCE|FUNDING|CAPITAL)|CASH ADVANCES?|"
         "BUSINESS (?:FUNDING|ADVANCE)|ADVANCE FUNDING|REVENUE BASED FINANC(?:E|ING)"),
        ("equipment", "none", "EQUIPMENT|LEASING|LEASE|MACHINERY|TRACTORS?|RENTALS?|RENTS?|"
         "IMPLEMENT|TRUCKS?|TRAILERS?|VENDOR (?:FINANCE|FINANCIAL|SERVICES)|MOTOR CREDIT"),
        ("bank", "none", "BANKS?|BANKING|BANCORP|BANCSHARES|BANC|CREDIT UN[A-Z]*|FSB|SAVINGS|"
         "TRUST (?:CO|COMPANY)|NATIONAL ASSOCIATION|FARM CREDIT|FLCA|PRODUCTION CREDIT|"
         "(?:F?CU|NA)$"),
        ("factor", "none", "FACTORS?|FACTORING|INVOICE|RECEIVABLES? (?:FINANCE|FUNDING|CAPITAL)"),
    )
)  # fmt: skip
_REPRESENTATIVE = re.compile(
    r" (?:AS )?(?:(?:A|ITS|THE|SECURED PARTY|SECURED PARTIES|FILING|COLLATERAL) )*"
    r"REP(?:RESENTATIVES?)?(?: (?:FOR|OF|ON BEHALF OF) (?P<principal>.+))?$"
)
_LONGEST = 8
_MISSPELT = 2


def _load() -> tuple[dict[str, _Known], dict[str, _Known]]:
    """(by first words, descriptors kept; by whole name, ending noise words dropped)."""
    starts: dict[str, _Known] = {}
    whole: dict[str, _Known] = {}
    data = orjson.loads(Path(__file__).with_name("funders.json").read_bytes())
    for kind, entries in data.items():
        for entry in entries if kind != "about" else ():
            known = _Known(entry["name"], kind, entry.get("mca", _MCA_OF.get(kind, "none")))
            starts.update(("".join(words(alias)), known) for alias in entry["starts"])
            whole.update((name_key(alias), known) for alias in entry.get("is", ()))
    return starts, whole


STARTS, WHOLE = _load()
_AGENTS = {key: known for key, known in STARTS.items() if known.kind == "agent" and len(key) >= 10}


@lru_cache(maxsize=20_000)
def identify_lender(name: str) -> Lender:
    """The lender behind a secured party's name as filed.

    The list first (also by trade name), then "as representative", then words of the name; a
    lender nothing is known of is "other" with empty evidence.
    """
    filed, trade_names = trade.split(clean_name(name))
    for alias in (filed, *trade_names):
        parts = words(alias)
        if lender := _represented(parts) or _listed(alias, parts):
            return lender
    return _by_words(filed, " ".join(words(filed)))


def _listed(alias: str, parts: list[str]) -> Lender | None:
    if known := WHOLE.get(name_key(alias)):
        return Lender(known.name, known.kind, _how(known, alias), known.mca)
    if parts[:1] == ["THE"]:
        parts = parts[1:]
    for length in range(min(len(parts), _LONGEST), 0, -1):
        if known := STARTS.get("".join(parts[:length])):
            return Lender(known.name, known.kind, _how(known, alias), known.mca)
    return None


def _how(known: _Known, alias: str) -> str:
    if known.kind == "agent":
        return f"filing agent {known.name}: the funder behind it is not named"
    told = name_key(alias).startswith(name_key(known.name))
    if told or known.kind not in ("mca", "fintech"):
        return f"{known.name} is on the list of known lenders ({known.kind})"
    return f"{alias} files for {known.name} (alias from a trade list, not verified)"


def _represented(parts: list[str]) -> Lender | None:
    """Who files "as representative": the principal where named and known, else the agent."""
    text = " ".join(parts)
    if not (match := _REPRESENTATIVE.search(text)):
        return _misspelt_agent(text)
    agent, principal = text[: match.start()], match["principal"]
    if principal and (lender := _listed(principal, principal.split())):
        return lender
    lender = _listed(agent, agent.split()) or _misspelt_agent(agent) or _by_words(agent, agent)
    if lender.kind not in ("agent", "other"):
        return lender
    return Lender(
        lender.name,
        "agent",
        f"{lender.name} files as representative: the funder behind it is not named",
        "possible",
    )


def _misspelt_agent(text: str) -> Lender | None:
    """A filing agent's name with at most two slips, as in C T CORPORATOIN SYSTEM."""
    key = text.replace(" ", "")
    for agent, known in _AGENTS.items():
        near = abs(len(key) - len(agent)) <= _MISSPELT and key[:1] == agent[:1]
        if near and key != agent and _distance(key, agent) <= _MISSPELT:
            return Lender(known.name, "agent", _how(known, text), "possible")
    return None


def _distance(a: str, b: str) -> int:
    """Edit distance with neighbours swapped counting once (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        row = [i]
        for j, cb in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (ca != cb))
            if i > 1 and j > 1 and ca == b[j - 2] and a[i - 2] == cb:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def _by_words(name: str, text: str) -> Lender:
    for kind, mca, pattern in _BY_WORDS:
        if match := pattern.search(text):
            return Lender(name, kind, f'"{match[0]}" in the name', mca)
    return Lender(name, "other", "")
