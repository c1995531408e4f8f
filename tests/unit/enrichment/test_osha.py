"""OSHA through the DOL API: inspections joined with their violations, penalties summed."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import orjson
import pytest

from services.common.errors import SourceUnavailable
from services.pipelines.enrichment.signals import osha
from services.pipelines.enrichment.signals.osha import Osha
from services.pipelines.enrichment.signals.places import Place
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm
from tests.support.sources.stand_in import EMPTY, Asked, Fault

Rows = list[dict[str, Any]]


def answer(inspections: Rows, violations: Rows) -> Any:
    def respond(asked: Asked) -> Any:
        return {"data": inspections if "/inspection/" in asked.path else violations}

    return respond


@pytest.fixture
async def source() -> AsyncIterator[Asking]:
    outside = Osha(osha.about("open sesame"), today=lambda: date(2026, 9, 15))
    respond = answer([rows.inspection()], [rows.violation()])
    async with asking(outside, firm(), respond) as running:
        yield running


async def test_the_questions_are_the_documented_ones(source: Asking) -> None:
    await source.signals()
    inspections, violations = source.stand_in.asked
    assert inspections.path == "/v4/get/OSHA/inspection/json"
    asked = dict(inspections.params)
    assert orjson.loads(asked.pop("filter_object")) == {
        "and": [
            {"field": "site_state", "operator": "eq", "value": "CO"},
            {"field": "estab_name", "operator": "like", "value": "%KING%REBAR%"},
        ]
    }
    assert asked == {
        "X-API-KEY": "open sesame", "limit": "200", "offset": "0", "sort": "desc",
        "sort_by": "open_date",
    }  # fmt: skip
    assert violations.path == "/v4/get/OSHA/violation/json"
    number = {"field": "activity_nr", "operator": "eq", "value": "1458614"}
    assert orjson.loads(violations.params["filter_object"]) == {"and": [number]}


async def test_an_inspection_with_its_violations_is_one_signal(source: Asking) -> None:
    found = [
        rows.violation(),
        rows.violation(citation="01002", viol_type="R", current_penalty="1000.5"),
        rows.violation(citation="01003", viol_type="O", current_penalty=None),
    ]
    source.stand_in.respond = answer([rows.inspection()], found)
    signal = await source.one()
    assert (signal.type, signal.source_key, signal.amount) == ("violation", "1458614", 6525.5)
    assert signal.title == "OSHA inspection: 3 violations (1 serious, 1 repeat, 1 other)"
    assert signal.observed_on == date(2026, 1, 29)
    assert signal.confidence == Place.STREET
    assert "sesame" not in repr(signal)


async def test_violations_of_other_inspections_are_not_counted(source: Asking) -> None:
    found = [rows.violation(), rows.violation(999, current_penalty=1e6)]
    source.stand_in.respond = answer([rows.inspection()], found)
    assert (await source.one()).amount == 5525


async def test_a_violation_that_was_deleted_does_not_stand(source: Asking) -> None:
    source.stand_in.respond = answer([rows.inspection()], [rows.violation(delete_flag="X")])
    assert await source.signals() == []


async def test_an_inspection_that_found_nothing_is_no_signal(source: Asking) -> None:
    source.stand_in.respond = answer([rows.inspection()], [])
    assert await source.signals() == []


async def test_without_a_penalty_there_is_no_amount(source: Asking) -> None:
    source.stand_in.respond = answer([rows.inspection()], [rows.violation(current_penalty=0)])
    assert (await source.one()).amount is None


@pytest.mark.parametrize("empty", [EMPTY, Fault(200, b""), Fault(200, b"  \n")])
async def test_an_empty_body_means_no_rows(source: Asking, empty: Fault) -> None:
    source.stand_in.fail(empty)
    assert await source.signals() == []
    assert len(source.stand_in.asked) == 1


async def test_old_inspections_and_other_establishments_are_not_asked_on(source: Asking) -> None:
    found = [
        rows.inspection(1, open_date="2020-01-29T00:00:00"),
        rows.inspection(2, estab_name="KING REBAR SUPPLY"),
        rows.inspection(3, site_state="TX", site_zip="75201"),
        rows.inspection(4, open_date=None),
        rows.inspection(5, estab_name=None),
    ]
    source.stand_in.respond = answer(found, [rows.violation()])
    assert await source.signals() == []
    assert len(source.stand_in.asked) == 1


async def test_violations_of_many_inspections_are_asked_for_in_parts(source: Asking) -> None:
    numbers = range(1, 46)
    found = [rows.inspection(n) for n in numbers]

    def respond(asked: Asked) -> Any:
        if "/inspection/" in asked.path:
            return {"data": found}
        wanted = orjson.loads(asked.params["filter_object"])["or"]
        return {"data": [rows.violation(int(each["value"])) for each in wanted]}

    source.stand_in.respond = respond
    assert len(await source.signals()) == 45
    assert len(source.stand_in.asked) == 1 + 3


async def test_full_pages_are_followed_to_the_end(source: Asking) -> None:
    def respond(asked: Asked) -> Any:
        start = int(asked.params["offset"])
        made = range(start, min(start + 200, 250)) if "/inspection/" in asked.path else range(0)
        return {"data": [rows.inspection(n) for n in made]}

    source.stand_in.respond = respond
    assert await source.signals() == []
    pages = [a.params["offset"] for a in source.stand_in.asked if "/inspection/" in a.path]
    assert pages == ["0", "200"]


@pytest.mark.parametrize("odd", [{}, {"data": None}, {"error": "x"}, [], 5])
async def test_an_answer_of_another_shape_is_none(source: Asking, odd: Any) -> None:
    source.stand_in.respond = lambda _: odd
    with pytest.raises(SourceUnavailable):
        await source.signals()


async def test_numbers_as_text_join_all_the_same(source: Asking) -> None:
    source.stand_in.respond = answer([rows.inspection()], [rows.violation(activity_nr="1458614")])
    assert (await source.one()).amount == 5525


def test_without_a_key_it_is_not_configured() -> None:
    assert osha.about(None).lacks == "SOURCE_OSHA_KEY"
    assert osha.about("k").lacks is None
