"""Business licences of Chicago: new, moved and larger ones, not renewals."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.pipelines.enrichment.signals.licences import Licences
from services.pipelines.enrichment.signals.places import Place
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm

FIRM = firm(
    "KING REBAR, L.L.C.",
    "IL",
    Place.of("100 NORTH STATE STREET", "CHICAGO", "IL", "60602"),
    trade_names=("The Rebar Room",),
)


@pytest.fixture
async def source() -> AsyncIterator[Asking]:
    outside = Licences(today=lambda: date(2026, 9, 15))
    async with asking(outside, FIRM, lambda _: [rows.licence()]) as running:
        yield running


async def test_a_new_licence_is_an_expansion(source: Asking) -> None:
    signal = (await source.signals())[0]
    assert (signal.type, signal.source_key) == ("expansion", "1001001")
    assert signal.title == "Chicago: new licence, limited business license"
    assert signal.observed_on == date(2026, 8, 2)
    assert signal.confidence == Place.STREET


async def test_it_is_asked_by_legal_name_and_by_trade_name(source: Asking) -> None:
    await source.signals()
    legal, trade = source.stand_in.asked
    assert legal.path == "/resource/r5kz-chrr.json"
    since = "and date_issued>='2025-09-01'"
    assert legal.params["$where"] == f"upper(legal_name) like '%KING%REBAR%' {since}"
    assert trade.params["$where"] == f"upper(doing_business_as_name) like '%REBAR%ROOM%' {since}"


async def test_a_licence_under_the_trade_name_alone_counts_less(source: Asking) -> None:
    found = await source.of([rows.licence(legal_name="DEBTOR0001 HOLDINGS INC")])
    assert {signal.confidence for signal in found} == {0.83}


@pytest.mark.parametrize(
    "changes",
    [
        {"application_type": "RENEW"},
        {"application_type": None},
        {"license_status": "REV"},
        {"license_status": "AAC"},
        {"legal_name": "OTHER INC", "doing_business_as_name": "OTHER"},
        {"state": "IN", "zip_code": "46320", "city": "HAMMOND"},
        {"license_id": None, "id": None},
    ],
)
async def test_what_does_not_tell_of_growth_is_no_signal(
    source: Asking, changes: dict[str, Any]
) -> None:
    assert await source.of([rows.licence(**changes)]) == []


@pytest.mark.parametrize("kind", ["C_LOC", "C_CAPA", "C_EXPA"])
async def test_moves_and_enlargements_count(source: Asking, kind: str) -> None:
    assert await source.of([rows.licence(application_type=kind)])
