"""EDGAR: Form D notices whose filer is the business, by name and by the submissions' address."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from aiohttp import web

from services.common.errors import SourceUnavailable
from services.pipelines.enrichment.signals import edgar
from services.pipelines.enrichment.signals.edgar import Edgar
from services.pipelines.enrichment.signals.places import Place
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm
from tests.support.sources.stand_in import Asked


def answer(found: Any, filer: Any = None) -> Any:
    def respond(asked: Asked) -> Any:
        if "search-index" in asked.path:
            return found
        return rows.submissions() if filer is None else filer

    return respond


@pytest.fixture
async def source() -> AsyncIterator[Asking]:
    outside = Edgar(edgar.about("me@example.com"), today=lambda: date(2026, 9, 15))
    async with asking(outside, firm(), answer(rows.hits(rows.form_d()))) as running:
        yield running


async def test_the_questions_are_the_documented_ones_and_name_a_contact(source: Asking) -> None:
    await source.signals()
    search, filer = source.stand_in.asked
    assert (search.path, filer.path) == (
        "/LATEST/search-index",
        "/submissions/CIK0001792580.json",
    )
    assert search.params == {
        "q": '"KING REBAR"', "forms": "D", "dateRange": "custom", "startdt": "2024-09-01",
        "enddt": "2026-09-30", "from": "0",
    }  # fmt: skip
    assert search.headers["User-Agent"].endswith(" me@example.com")


async def test_a_notice_is_an_expansion(source: Asking) -> None:
    signal = await source.one()
    assert (signal.type, signal.source_key) == ("expansion", "0000950170-26-027914")
    assert signal.observed_on == date(2026, 2, 26)
    assert signal.confidence == Place.STREET
    assert signal.evidence["url"].endswith("/data/1792580/000095017026027914/")


async def test_the_recorded_hit_without_cik_and_place_is_read(source: Asking) -> None:
    hit = {
        "_id": "0000950170-25-027914:ovv-ex19_1.htm",
        "_source": {
            "display_names": ["King Rebar Inc.  (OVV)  (CIK 0001792580)"],
            "form": "D",
            "file_date": "2025-02-26",
        },
    }
    source.stand_in.respond = answer(rows.hits(hit))
    assert (await source.one()).source_key == "0000950170-25-027914"


@pytest.mark.parametrize("form", ["10-K", "D/A", None])
async def test_other_forms_and_amendments_tell_nothing_new(source: Asking, form: Any) -> None:
    source.stand_in.respond = answer(rows.hits(rows.form_d(form=form)))
    assert await source.signals() == []


async def test_words_within_another_filers_notice_are_no_match(source: Asking) -> None:
    source.stand_in.respond = answer(rows.hits(rows.form_d("Rebar Holdings LP")))
    assert await source.signals() == []
    assert len(source.stand_in.asked) == 1


async def test_a_filer_in_another_state_is_another_business(source: Asking) -> None:
    away = rows.submissions(city="DALLAS", stateOrCountry="TX", zipCode="75201")
    source.stand_in.respond = answer(rows.hits(rows.form_d()), away)
    assert await source.signals() == []


async def test_without_submissions_the_notices_own_state_counts(source: Asking) -> None:
    def respond(asked: Asked) -> Any:
        if "search-index" in asked.path:
            return rows.hits(rows.form_d())
        return web.Response(status=404)

    source.stand_in.respond = respond
    assert (await source.one()).confidence == Place.STATE


async def test_a_name_without_any_place_is_nobody(source: Asking) -> None:
    nowhere = rows.submissions(stateOrCountry="X0", zipCode=None)
    source.stand_in.respond = answer(rows.hits(rows.form_d(biz_states=None)), nowhere)
    assert await source.signals() == []


async def test_the_submissions_of_a_filer_are_asked_once(source: Asking) -> None:
    two = rows.hits(rows.form_d(), rows.form_d(adsh="0000950170-26-000001"))
    source.stand_in.respond = answer(two)
    assert len(await source.signals()) == 2
    assert len(source.stand_in.asked) == 2


async def test_pages_follow_each_other_by_what_was_read(source: Asking) -> None:
    def respond(asked: Asked) -> Any:
        if "search-index" not in asked.path:
            return rows.submissions()
        start = int(asked.params["from"])
        found = [rows.form_d(adsh=f"0-26-{n}") for n in range(start, min(start + 10, 25))]
        return rows.hits(*found, total=25)

    source.stand_in.respond = respond
    assert len(await source.signals()) == 25
    starts = [a.params["from"] for a in source.stand_in.asked if "search-index" in a.path]
    assert starts == ["0", "10", "20"]


async def test_a_search_in_a_circle_is_no_answer(source: Asking) -> None:
    source.stand_in.respond = answer(rows.hits(rows.form_d(), total=500))
    with pytest.raises(SourceUnavailable, match="repeats"):
        await source.signals()


@pytest.mark.parametrize(
    "odd", [{}, {"hits": []}, {"hits": {"hits": None}}, {"hits": {"total": 1}}, []]
)
async def test_an_answer_of_another_shape_is_none(source: Asking, odd: Any) -> None:
    source.stand_in.respond = lambda _: odd
    with pytest.raises(SourceUnavailable):
        await source.signals()


@pytest.mark.parametrize(
    "changes",
    [
        {"display_names": None},
        {"display_names": [5]},
        {"display_names": []},
        {"display_names": ["King Rebar LLC"]},
    ],
)
async def test_a_hit_that_does_not_say_who_files_is_passed_over(
    source: Asking, changes: dict[str, Any]
) -> None:
    source.stand_in.respond = answer(rows.hits(rows.form_d(**changes), {"_source": 7}))
    assert await source.signals() == []


def test_without_a_contact_it_is_not_configured() -> None:
    assert edgar.about(None).lacks == "SOURCE_EDGAR_CONTACT"
