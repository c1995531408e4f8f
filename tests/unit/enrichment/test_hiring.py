"""Open positions at Adzuna, Greenhouse and Lever: one signal however many there are."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.common.errors import SourceRejected, SourceUnavailable
from services.pipelines.enrichment.signals import Outside, adzuna, greenhouse, lever
from services.pipelines.enrichment.signals.adzuna import Adzuna
from services.pipelines.enrichment.signals.greenhouse import Greenhouse
from services.pipelines.enrichment.signals.hiring import Boards
from services.pipelines.enrichment.signals.lever import Lever
from services.pipelines.enrichment.signals.places import Place
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm
from tests.support.sources.stand_in import Fault

GREENHOUSE = Greenhouse(Boards.read(greenhouse.SETTING, "kingrebar=CO:King Rebar LLC"))
LEVER = Lever(Boards.read(lever.SETTING, "other=CO:Other LLC; king-rebar=co:KING REBAR"))


@pytest.fixture
async def ads() -> AsyncIterator[Asking]:
    outside = Adzuna(adzuna.about("id", "sesame"))
    async with asking(outside, firm(), lambda _: {"count": 1, "results": []}) as running:
        yield running


@pytest.fixture
async def green() -> AsyncIterator[Asking]:
    async with asking(GREENHOUSE, firm(), lambda _: {"jobs": [rows.greenhouse_job()]}) as running:
        yield running


@pytest.fixture
async def levers() -> AsyncIterator[Asking]:
    async with asking(LEVER, firm(), lambda _: [rows.lever_job()]) as running:
        yield running


def results(*found: dict[str, Any]) -> dict[str, Any]:
    return {"count": 9000, "results": list(found)}


async def test_adzuna_is_asked_once_by_company_and_place(ads: Asking) -> None:
    await ads.signals()
    (asked,) = ads.stand_in.asked
    assert asked.path == "/v1/api/jobs/us/search/1"
    assert asked.params == {
        "app_id": "id", "app_key": "sesame", "company": "KING REBAR",
        "where": "Englewood, Colorado", "results_per_page": "50", "max_days_old": "60",
        "sort_by": "date",
    }  # fmt: skip


async def test_without_a_city_adzuna_is_asked_for_the_state(ads: Asking) -> None:
    await ads.signals(firm("KING REBAR", "CO", Place.of(state="CO", zip="80110")))
    assert ads.stand_in.asked[0].params["where"] == "Colorado"


async def test_many_positions_are_one_signal_of_the_newest_day(ads: Asking) -> None:
    found = [rows.position(str(n), created=f"2026-09-{n:02}T08:00:00Z") for n in range(1, 13)]
    (signal,) = await ads.of(results(*found, found[0]))
    assert (signal.type, signal.source_key) == ("hiring", "openings")
    assert signal.title == "Hiring: 12 open positions"
    assert signal.observed_on == date(2026, 9, 12)
    assert signal.confidence == Place.CITY
    newest = signal.evidence["said"]["newest"]
    assert len(newest) == 10
    assert newest[0]["posted_on"] == "2026-09-12"


async def test_other_employers_and_other_states_are_not_counted(ads: Asking) -> None:
    texas = {"display_name": "Dallas", "area": ["US", "Texas", "Dallas County", "Dallas"]}
    found = [
        rows.position("1", "King Rebar Staffing"),
        rows.position("2", location=texas),
        rows.position("3", location={"display_name": "US", "area": ["US"]}),
        rows.position("4", location=None),
        rows.position("5") | {"company": None},
        rows.position("6", title=None),
    ]
    assert await ads.of(results(*found)) == []


async def test_a_state_alone_is_less_sure(ads: Asking) -> None:
    (signal,) = await ads.of(results(rows.position(location={"area": ["US", "Colorado"]})))
    assert signal.confidence == Place.STATE


@pytest.mark.parametrize("odd", [{}, {"results": 5}, [], "x"])
async def test_an_answer_of_another_shape_is_none(ads: Asking, odd: Any) -> None:
    with pytest.raises(SourceUnavailable):
        await ads.of(odd)


async def test_a_greenhouse_board_is_read_by_its_slug(green: Asking) -> None:
    signal = await green.one()
    assert green.stand_in.asked[0].path == "/v1/boards/kingrebar/jobs"
    assert (signal.type, signal.title) == ("hiring", "Hiring: 1 open position")
    assert (signal.observed_on, signal.confidence) == (date(2026, 9, 1), 0.95)
    assert "SOURCE_GREENHOUSE_BOARDS" in signal.evidence["why"]


async def test_a_lever_board_is_read_by_its_slug(levers: Asking) -> None:
    signal = await levers.one()
    (asked,) = levers.stand_in.asked
    assert (asked.path, asked.params) == ("/v0/postings/king-rebar", {"mode": "json"})
    assert signal.observed_on == date(2026, 9, 1)
    assert signal.evidence["said"]["newest"][0]["place"] == "Denver"


async def test_an_empty_board_is_no_signal(green: Asking, levers: Asking) -> None:
    assert await green.of({"jobs": []}) == []
    assert await levers.of([]) == []


async def test_positions_of_wrong_types_are_passed_over(green: Asking, levers: Asking) -> None:
    odd = [5, rows.greenhouse_job(title=None), rows.greenhouse_job(updated_at=7, location=3)]
    (signal,) = await green.of({"jobs": odd})
    assert signal.observed_on is None
    (signal,) = await levers.of([None, rows.lever_job(createdAt="soon", categories=None)])
    assert signal.observed_on is None


async def test_a_board_that_is_gone_is_told(green: Asking) -> None:
    green.stand_in.always = Fault(404, b"Job not found")
    with pytest.raises(SourceRejected, match="answered 404"):
        await green.signals()


@pytest.mark.parametrize("board", [GREENHOUSE, LEVER])
def test_a_business_whose_board_is_not_known_is_not_asked_about(board: Outside) -> None:
    assert board.passes(firm()) is None
    assert "job board is not in SOURCE_" in (board.passes(firm("STRANGER LLC")) or "")
    assert board.passes(firm("KING REBAR", "TX"))


def test_what_is_not_set_is_named() -> None:
    assert Lever(Boards.read(lever.SETTING, "")).about.lacks == "SOURCE_LEVER_BOARDS"
    assert adzuna.about("id", None).lacks == "SOURCE_ADZUNA_ID and SOURCE_ADZUNA_KEY"
