"""A prospect's assessment: every derived column, from its facts and a date, by pure functions.

Between store, which loads facts and writes assessments, and findings, profile, health and scores,
which judge. The same facts and date always give the same assessment, in the same order, so that one
which did not change is written nowhere.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.pipelines.ingestion.parties.industry import Industry, infer_industry
from services.pipelines.scoring import findings, health, profile, scores
from services.pipelines.scoring.facts import Facts, Mca
from services.pipelines.scoring.findings import Picture


@dataclass(frozen=True, slots=True)
class Assessment:
    """The derived columns of a prospect and its health, under the names of their columns.

    `revision` is that of the facts judged; company_name None: keep the one there is.
    """

    id: UUID
    revision: int
    by_hand: bool
    company_name: str | None
    industry: str | None
    industry_confidence: float | None
    filing_date: date | None
    filings: int
    open_filings: int
    names_as_filed: list[dict[str, Any]]
    trade_names: list[str]
    addresses: list[dict[str, Any]]
    lenders: list[dict[str, Any]]
    mca: Mca
    stack_depth: int
    stack_certain: int
    renewal_due: bool
    renewal_on: date | None
    distress: bool
    evidence: dict[str, Any]
    priority_score: int
    score_components: list[scores.Component]
    health_score: int
    health_grade: str
    health_components: list[scores.Component]
    signals: int
    violations: int
    liens: int
    sentiment_trend: health.Trend
    trend_reason: str


def assess(facts: Facts, as_of: date) -> Assessment:
    """Judge a prospect at `as_of`."""
    picture = findings.read(facts.filings, as_of)
    fit = health.judge(facts, as_of)
    priority = scores.priority(_standing(picture, fit, as_of))
    names = profile.names_as_filed(facts.debtors)
    traded = profile.trade_names(facts.debtors)
    lenders = profile.lenders(picture)
    industry = _industry([*(n["name"] for n in names), *traded], lenders, picture)
    return Assessment(
        id=facts.prospect_id,
        revision=facts.revision,
        by_hand=facts.by_hand,
        company_name=None if facts.by_hand or not names else names[0]["name"],
        industry=industry.value if industry else None,
        industry_confidence=industry.confidence if industry else None,
        filing_date=picture.latest_lending_on,
        filings=len(picture.filings),
        open_filings=len(picture.opened),
        names_as_filed=names,
        trade_names=traded,
        addresses=profile.addresses(facts.debtors),
        lenders=lenders,
        mca=picture.strongest_mca,
        stack_depth=len(picture.stack),
        stack_certain=picture.certain,
        renewal_due=picture.renewal_on is not None,
        renewal_on=picture.renewal_on,
        distress=picture.distress is not None,
        evidence=picture.evidence() | ({"industry": industry.evidence} if industry else {}),
        priority_score=priority.value,
        score_components=priority.components,
        health_score=fit.score.value,
        health_grade=scores.grade(fit.score.value),
        health_components=fit.score.components,
        **asdict(fit.counts),
        sentiment_trend=fit.trend,
        trend_reason=fit.trend_reason,
    )


def _standing(picture: Picture, fit: health.Health, as_of: date) -> scores.Standing:
    return scores.Standing(
        as_of=as_of,
        mca=picture.strongest_mca,
        stack_depth=len(picture.stack),
        stack_certain=picture.certain,
        newest_open=picture.newest_lending_on,
        renewal_on=picture.renewal_on,
        signals=fit.counts.signals,
        health=fit.score.value,
        liens=fit.counts.liens,
    )


def _industry(
    names: Sequence[str], lenders: Sequence[dict[str, Any]], picture: Picture
) -> Industry | None:
    kinds = {kind for f in picture.filings if f.lends for c in f.collateral for kind in c.kinds}
    return infer_industry(names, [lender["name"] for lender in lenders], sorted(kinds))
