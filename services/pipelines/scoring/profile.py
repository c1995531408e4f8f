"""Who a prospect is and who lends to it: names, addresses and lenders as its filings tell them.

Pure, from loaded facts. Counts are of filings, not of documents: an amendment that repeats the
debtor adds nothing. Orders are total, so that equal facts always give equal lists.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.pipelines.scoring.facts import Debtor, Filing, Mca, Secured
from services.pipelines.scoring.findings import (
    MCA_RANK,
    McaFinding,
    Picture,
    filing_mca,
    sentence,
)

ADDRESS_LIMIT = 20
LENDER_FILINGS_SHOWN = 3
_ADDRESS = ("address1", "address2", "city", "state", "zip")

Key = tuple[str | None, ...]


def names_as_filed(debtors: Iterable[Debtor]) -> list[dict[str, Any]]:
    """[{"name", "filings"}], the most frequent first, then the latest, then by alphabet."""
    ranked = _ranked(((d.name,), d) for d in debtors)
    return [{"name": name, "filings": count} for (name,), count in ranked]


def trade_names(debtors: Iterable[Debtor]) -> list[str]:
    """Names after "DBA" and the like, the most frequent first."""
    ranked = _ranked(((name,), d) for d in debtors for name in d.trade_names)
    return [str(name) for (name,), _ in ranked]


def addresses(debtors: Iterable[Debtor]) -> list[dict[str, Any]]:
    """[{"address1", "address2", "city", "state", "zip", "filings"}], the most frequent first.

    One address in two spellings stays two; `state` is that of the address.
    """
    keyed = (((d.address1, d.address2, d.city, d.region, d.zip), d) for d in debtors)
    ranked = _ranked((key, d) for key, d in keyed if any(key))
    return [
        {**dict(zip(_ADDRESS, key, strict=True)), "filings": count}
        for key, count in ranked[:ADDRESS_LIMIT]
    ]


@dataclass(slots=True)
class _Seen:
    filings: set[str] = field(default_factory=set)
    last: date = date.min


def _ranked(met: Iterable[tuple[Key, Debtor]]) -> list[tuple[Key, int]]:
    seen: dict[Key, _Seen] = {}
    for key, debtor in met:
        entry = seen.setdefault(key, _Seen())
        entry.filings.add(debtor.filing)
        entry.last = max(entry.last, debtor.filed_on or date.min)
    ordered = sorted(
        seen.items(),
        key=lambda item: (
            -len(item[1].filings),
            -item[1].last.toordinal(),
            tuple(part or "" for part in item[0]),
        ),
    )
    return [(key, len(entry.filings)) for key, entry in ordered]


@dataclass(slots=True)
class _Lender:
    name: str
    parties: list[tuple[Filing, Secured]] = field(default_factory=list)

    @property
    def last(self) -> date:
        return self.parties[0][0].filed_on or date.min


def lenders(picture: Picture) -> list[dict[str, Any]]:
    """The current lenders of every lender's filing, open or not, the last to file first.

    [{"name", "kind", "mca", "as_filed": [...], "filings", "open", "last_filed_on", "why",
    "evidence"}]: de-aliased where the name is known; an agent appears as itself.
    """
    found: dict[str, _Lender] = {}
    for filing in picture.filings:
        for secured in filing.secured if filing.lends else ():
            name = secured.lender or secured.name
            found.setdefault(name.casefold(), _Lender(name)).parties.append((filing, secured))
    opened = {filing.ref for filing in picture.opened}
    by_name = sorted(found.values(), key=lambda lender: lender.name)
    by_last = sorted(by_name, key=lambda lender: lender.last, reverse=True)
    return [_shown(lender, opened) for lender in by_last]


def _shown(lender: _Lender, opened: set[str]) -> dict[str, Any]:
    filings = {filing.ref: filing for filing, _ in lender.parties}
    secured = lender.parties[0][1]
    judged = [(*party, filing_mca(party[0])) for party in lender.parties]
    return {
        "name": lender.name,
        "kind": secured.kind,
        "mca": max((_party_mca(s, found) for _, s, found in judged), key=MCA_RANK.__getitem__),
        "as_filed": sorted({party.name for _, party in lender.parties}),
        "filings": len(filings),
        "open": len(opened & filings.keys()),
        "last_filed_on": lender.last.isoformat() if lender.last != date.min else None,
        "why": _why(judged),
        "evidence": _newest(list(filings.values()), opened),
    }


def _why(judged: Sequence[tuple[Filing, Secured, McaFinding]]) -> str | None:
    """Who the name stands for; where a filing's text makes it an MCA, that too."""
    told = judged[0][1].evidence
    texts = [
        finding.why
        for filing, secured, finding in judged
        if finding.secured is secured and any(c.mca_phrase for c in filing.collateral)
    ]
    return " ".join(([sentence(told)] if told else []) + texts[:1]) or None


def _party_mca(secured: Secured, finding: McaFinding) -> Mca:
    """A party stands for the whole filing only where it is the one that makes it an MCA."""
    return finding.mca if finding.secured is secured else secured.mca or "none"


def _newest(filings: Sequence[Filing], opened: set[str]) -> list[dict[str, Any]]:
    return [
        {
            "filing": filing.ref,
            "filed_on": filing.filed_on.isoformat() if filing.filed_on else None,
            "open": filing.ref in opened,
        }
        for filing in filings[:LENDER_FILINGS_SHOWN]
    ]
