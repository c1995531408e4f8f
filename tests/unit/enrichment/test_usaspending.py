"""USAspending's awards: the search as documented, and whose contracts they are."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.common.errors import SourceUnavailable
from services.pipelines.enrichment.signals import Signal
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.usaspending import ABOUT, UsaSpending
from tests.support.sources.clients import client_of, firm
from tests.support.sources.rows import award, awards
from tests.support.sources.stand_in import StandIn, stand_in

SOURCE = UsaSpending(today=lambda: date(2026, 9, 15))


@pytest.fixture
async def source(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    async with stand_in(lambda _: awards(award())) as running:
        monkeypatch.setenv("SOURCE_USASPENDING_URL", running.url)
        yield running


async def ask(about: Firm | None = None) -> list[Signal]:
    async with client_of(ABOUT) as client:
        return await SOURCE.ask(client, about or firm())


async def told(source: StandIn, **changes: Any) -> list[Signal]:
    source.respond = lambda _: awards(award(**changes))
    return await ask()


async def test_a_contract_is_a_signal_with_its_evidence(source: StandIn) -> None:
    (signal,) = await ask()
    key = "CONT_AWD_W911NF25C0004_9700_-NONE-_-NONE-"
    assert (signal.type, signal.source_key, signal.amount) == ("contract", key, 1897682.83)
    assert signal.observed_on == date(2026, 4, 15)
    assert signal.title == "Federal contract with the Department of Defense"
    assert signal.confidence == 0.6
    assert signal.evidence["said"]["award"] == "W911NF25C0004"
    assert signal.evidence["url"] == f"https://www.usaspending.gov/award/{key}"
    assert "tells of CO only" in signal.evidence["why"]


async def test_the_search_is_the_documented_one(source: StandIn) -> None:
    await ask(firm(trade_names=("BIG IRON",)))
    (asked,) = source.asked
    assert asked.path == "/api/v2/search/spending_by_award/"
    assert asked.headers["Content-Type"] == "application/json"
    filters = asked.body.pop("filters")
    assert filters == {
        "award_type_codes": ["A", "B", "C", "D"],
        "recipient_search_text": ["KING REBAR, L.L.C.", "BIG IRON"],
        "recipient_locations": [{"country": "USA", "state": "CO"}],
        "time_period": [{"start_date": "2024-09-01", "end_date": "2026-09-30"}],
    }
    assert {"Award ID", "Recipient Name", "Recipient Location"} <= set(asked.body.pop("fields"))
    assert asked.body == {
        "subawards": False, "limit": 100, "page": 1, "sort": "Award Amount", "order": "desc",
    }  # fmt: skip


async def test_the_search_is_loose_but_the_name_is_checked(source: StandIn) -> None:
    others = ("KING REBAR SUPPLY LLC", "REBAR KING LLC", "KING CONCRETE LLC")
    source.respond = lambda _: awards(*(award(str(n), name) for n, name in enumerate(others)))
    assert await ask() == []


async def test_a_recipient_in_another_state_is_another_business(source: StandIn) -> None:
    place = {"state_code": "TX", "city_name": "DALLAS", "zip5": "75201"}
    assert await told(source, **{"Recipient Location": place}) == []


async def test_the_recipients_address_makes_it_surer(source: StandIn) -> None:
    place = {
        "address_line1": "5200 SOUTH BROADWAY", "city_name": "ENGLEWOOD", "state_code": "CO",
        "zip5": "80110",
    }  # fmt: skip
    (signal,) = await told(source, **{"Recipient Location": place})
    assert signal.confidence == 0.98
    assert "5200 S BROADWAY, ENGLEWOOD, CO, 80110" in signal.evidence["why"]


async def test_every_page_is_read(source: StandIn) -> None:
    def respond(asked: Any) -> dict[str, Any]:
        page = asked.body["page"]
        return awards(award(str(page)), page=page, more=page < 3)

    source.respond = respond
    assert [signal.evidence["said"]["award"] for signal in await ask()] == ["1", "2", "3"]


async def test_the_last_page_is_known_by_has_next_not_by_its_text_none(source: StandIn) -> None:
    assert awards()["page_metadata"]["last_record_sort_value"] == "None"
    await ask()
    assert len(source.asked) == 1


async def test_pages_in_a_circle_are_no_answer(source: StandIn) -> None:
    source.respond = lambda _: awards(award(), more=True)
    with pytest.raises(SourceUnavailable, match="repeats"):
        await ask()
    assert len(source.asked) == 2


async def test_pages_without_end_end(source: StandIn) -> None:
    source.respond = lambda asked: awards(award(str(asked.body["page"])), more=True)
    assert len(await ask()) == 5


@pytest.mark.parametrize(
    ("changes", "amount", "day"),
    [
        ({"Award Amount": "245,696.22"}, 245696.22, date(2026, 4, 15)),
        ({"Award Amount": -500.0}, None, date(2026, 4, 15)),
        ({"Award Amount": None, "Start Date": None}, None, None),
        ({"Award Amount": {"x": 1}, "Start Date": 20260415}, None, None),
    ],
)
async def test_a_cell_of_a_wrong_type_costs_the_cell(
    source: StandIn, changes: dict[str, Any], amount: float | None, day: date | None
) -> None:
    (signal,) = await told(source, **changes)
    assert (signal.amount, signal.observed_on) == (amount, day)


async def test_a_row_without_name_or_number_is_passed_over(source: StandIn) -> None:
    nameless, numberless = award() | {"Recipient Name": None}, award()
    del numberless["generated_internal_id"], numberless["Award ID"]
    source.respond = lambda _: awards(nameless, numberless, award()) | {"messages": 7}
    assert len(await ask()) == 1


@pytest.mark.parametrize("answer", [{}, [], {"results": None}, {"results": {"a": 1}}])
async def test_an_answer_of_another_shape_is_none(source: StandIn, answer: Any) -> None:
    source.respond = lambda _: answer
    with pytest.raises(SourceUnavailable):
        await ask()
