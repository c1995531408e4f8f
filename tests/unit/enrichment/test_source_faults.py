"""Every outside source against every way to misbehave: each has one outcome."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from services.common.errors import SourceRejected, SourceUnavailable
from services.pipelines.enrichment import catalog
from services.pipelines.enrichment.settings import OUTSIDE, EnrichmentSettings
from services.pipelines.enrichment.signals.client import Patience
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.window import today
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm
from tests.support.sources.stand_in import (
    BROKEN,
    EMPTY,
    HTML,
    ODD,
    THROTTLED,
    TORN,
    TRUNCATED,
    Asked,
    Fault,
)

SETTINGS = EnrichmentSettings.model_validate(
    {
        "database_url": "postgres://x",
        "source_osha_key": "k",
        "source_edgar_contact": "me@example.com",
        "source_adzuna_id": "i",
        "source_adzuna_key": "k",
        "source_greenhouse_boards": "kingrebar=CO:King Rebar LLC",
        "source_lever_boards": "kingrebar=CO:King Rebar LLC",
    }
)
EVERYWHERE = firm(
    "KING REBAR, L.L.C.",
    "CO",
    Place.of("5200 S BROADWAY", "ENGLEWOOD", "CO", "80110"),
    Place.of("9 W ERIE ST", "CHICAGO", "IL", "60654"),
    Place.of("1 MARKET ST", "SAN FRANCISCO", "CA", "94105"),
    Place.of("5 COURT ST", "BROOKLYN", "NY", "11201"),
)
RECENT = today().isoformat()
ANSWERS: dict[str, Any] = {
    "search/spending_by_award": rows.awards(rows.award()),
    "ydr8-5enu": [rows.chicago()],
    "3pee-9qhc": [rows.sf_contact()],
    "i98e-djp9": [rows.sf(issued_date=RECENT)],
    "ipu4-2q9a": [rows.nyc(issuance_date=today().strftime("%m/%d/%Y"))],
    "rbx6-tga4": [],
    "OSHA/inspection": {"data": [rows.inspection(open_date=RECENT)]},
    "OSHA/violation": {"data": [rows.violation()]},
    "search-index": rows.hits(rows.form_d()),
    "submissions": rows.submissions(),
    "jobs/us/search": {"count": 1, "results": [rows.position()]},
    "boards/kingrebar": {"jobs": [rows.greenhouse_job()]},
    "postings/kingrebar": [rows.lever_job()],
    "r5kz-chrr": [rows.licence()],
}
"""By a part of the path."""


def respond(asked: Asked) -> Any:
    return next(answer for part, answer in ANSWERS.items() if part in asked.path)


@pytest.fixture(params=OUTSIDE)
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Asking]:
    outside = catalog.known(SETTINGS)[OUTSIDE.index(request.param)]
    assert outside.passes(EVERYWHERE) is None
    async with asking(outside, EVERYWHERE, respond) as running:
        yield running


async def test_an_undisturbed_source_tells_something(source: Asking) -> None:
    found = await source.signals()
    assert found
    assert all(signal.evidence["why"].startswith("Inference: ") for signal in found)
    assert all(0.5 <= signal.confidence <= 1 for signal in found)


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, TRUNCATED, TORN, HTML, ODD])
async def test_a_fault_that_passes_costs_another_try(source: Asking, fault: Fault) -> None:
    expected = await source.signals()
    undisturbed = len(source.stand_in.asked)
    source.stand_in.fail(fault)
    assert await source.signals() == expected
    assert len(source.stand_in.asked) == 2 * undisturbed + 1


@pytest.mark.parametrize("fault", [THROTTLED, BROKEN, TRUNCATED, TORN, HTML, ODD])
async def test_a_fault_that_stays_fails_the_question(source: Asking, fault: Fault) -> None:
    source.stand_in.always = fault
    with pytest.raises(SourceUnavailable):
        await source.signals()


async def test_a_slow_source_is_not_waited_for(source: Asking) -> None:
    source.stand_in.always, source.patience = Fault(slow_s=0.5), Patience(timeout_s=0.2)
    with pytest.raises(SourceUnavailable, match="did not answer in"):
        await source.signals()


async def test_an_empty_answer_means_no_rows_at_osha_alone(source: Asking) -> None:
    source.stand_in.always = EMPTY
    if source.outside.about.name == "osha":
        assert await source.signals() == []
    else:
        with pytest.raises(SourceUnavailable):
            await source.signals()


@pytest.mark.parametrize("source", ["sf", "nyc", "osha", "edgar"], indirect=True)
async def test_a_fault_within_a_longer_answer_fails_all_of_it(source: Asking) -> None:
    first = True

    def then_broken(asked: Asked) -> Any:
        nonlocal first
        if first:
            first = False
            return respond(asked)
        return "surprise"

    source.stand_in.respond = then_broken
    with pytest.raises(SourceUnavailable):
        await source.signals()


def _hostile(value: Any) -> Any:
    """Every text in an answer with what PostgreSQL refuses: NUL characters."""
    if isinstance(value, dict):
        return {name: _hostile(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_hostile(each) for each in value]
    return f"\0{value}\0" if isinstance(value, str) else value


async def test_nothing_that_the_database_refuses_gets_through(source: Asking) -> None:
    source.stand_in.respond = lambda asked: _hostile(respond(asked))
    with suppress(SourceUnavailable):
        assert "\\x00" not in repr(await source.signals())


async def test_a_cell_of_any_type_costs_at_most_its_row(source: Asking) -> None:
    cells: list[Any] = [None, 5, True, [], {}, [[]], {"a": {}}, "", 1e308, -1]
    for odd in cells:
        source.stand_in.respond = partial(_with_odd_cells, odd)
        with suppress(SourceUnavailable, SourceRejected):
            assert isinstance(await source.signals(), list)


def _with_odd_cells(odd: Any, asked: Asked) -> Any:
    return _replaced(respond(asked), odd)


def _replaced(value: Any, odd: Any) -> Any:
    """The same shape with every cell at its leaves replaced."""
    if isinstance(value, dict):
        return {name: _replaced(each, odd) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, odd) for each in value]
    return odd
