"""GET /api/prospects/{id} on a real database."""

from typing import Any

import pytest

from services.prospects.models import HealthHistory, Prospect
from tests.integration.prospects.support import Client

RICH = "00000000-0000-4000-8000-000000000001"
BARE = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
async def rich(api: Client) -> dict[str, Any]:
    """The prospect that has everything."""
    response = await api.get(f"/api/prospects/{RICH}")
    assert response.status == 200
    body: dict[str, Any] = await response.json()
    return body


@pytest.mark.parametrize("prospect_id", [RICH, BARE])
async def test_the_answer_is_what_the_document_promises(api: Client, prospect_id: str) -> None:
    response = await api.get(f"/api/prospects/{prospect_id}")
    Prospect.model_validate_json(await response.read())
    assert set(await response.json()) == set(Prospect.model_fields)


async def test_the_fields_of_the_list_are_the_same(api: Client, rich: dict[str, Any]) -> None:
    listed = (await (await api.get("/api/prospects?limit=100")).json())["prospects"]
    item = next(p for p in listed if p["id"] == RICH)
    assert item.items() <= rich.items()


async def test_filings_come_newest_first(rich: dict[str, Any]) -> None:
    assert [f["filing_number"] for f in rich["filings"]] == ["2026200", "2025100", "2020100"]


async def test_a_filing_tells_what_its_documents_say_now(rich: dict[str, Any]) -> None:
    filing = rich["filings"][2]
    assert filing["status"] == "terminated"
    assert (filing["continued_on"], filing["terminated_on"]) == ("2024-09-01", "2026-01-01")
    assert [(e["document_number"], e["kind"]) for e in filing["events"]] == [
        ("2026001", "termination"),
        ("2024300", "continuation"),
        ("2020100", "initial"),
    ]


async def test_parties_are_the_current_ones_each_once(rich: dict[str, Any]) -> None:
    assert rich["filings"][0]["debtors"] == ["Blue Café, LLC"]
    assert rich["filings"][0]["secured_parties"] == [
        {"as_filed": "FAST CAPITAL LLC", "lender": "Fast Capital", "kind": "mca_funder"}
    ]
    assert rich["filings"][2]["secured_parties"] == [
        {"as_filed": "First Bank", "lender": None, "kind": "bank"}
    ]


async def test_a_filing_shows_what_speaks_for_an_advance(rich: dict[str, Any]) -> None:
    assert rich["filings"][0]["mca_evidence"] == [
        {"mca": "certain", "why": "a known funder"},
        {"mca": "certain", "why": 'the collateral text says "future receipts"'},
    ]


async def test_a_tax_lien_is_never_an_advance(rich: dict[str, Any]) -> None:
    assert rich["filings"][1]["mca_evidence"] == []


async def test_collateral_is_shortened_and_without_what_was_released(rich: dict[str, Any]) -> None:
    assert rich["filings"][0]["collateral"] == [
        "All future receipts sold to the secured party.",
        "x" * 499 + "…",
    ]


async def test_health_is_the_latest(rich: dict[str, Any]) -> None:
    assert (rich["health"]["as_of"], rich["health"]["score"]) == ("2026-09-01", 72)
    assert rich["health"]["components"] == [{"name": "base", "points": 70, "reason": "Base."}]


async def test_health_tells_its_trend(rich: dict[str, Any]) -> None:
    assert rich["health"]["sentiment_trend"] == "improving"
    assert rich["health"]["trend_reason"] == "72 now, 65 on 2026-06-03."


async def test_health_day_by_day_is_the_newest_first(api: Client) -> None:
    body = await (await api.get(f"/api/prospects/{RICH}/health")).json()

    HealthHistory.model_validate(body)
    assert [(day["as_of"], day["score"], day["liens"]) for day in body["health"]] == [
        ("2026-09-01", 72, 0),
        ("2026-08-31", 70, 0),
        ("2026-08-30", 65, 1),
    ]
    assert body["next"] is None


async def test_older_health_follows_by_next(api: Client) -> None:
    first = await (await api.get(f"/api/prospects/{RICH}/health?limit=2")).json()
    url = f"/api/prospects/{RICH}/health?limit=2&before={first['next']}"
    rest = await (await api.get(url)).json()

    assert first["next"] == "2026-08-31"
    assert [day["as_of"] for day in rest["health"]] == ["2026-08-30"]
    assert rest["next"] is None


async def test_a_prospect_nobody_scored_has_no_health(api: Client) -> None:
    body = await (await api.get(f"/api/prospects/{BARE}/health")).json()
    assert body == {"health": [], "next": None}


async def test_health_of_an_unknown_id_is_not_found(api: Client) -> None:
    response = await api.get("/api/prospects/ffffffff-0000-4000-8000-000000000000/health")
    assert response.status == 404


@pytest.mark.parametrize("bad", ["limit=0", "limit=367", "before=yesterday", "page=1"])
async def test_a_bad_question_for_health_is_refused(api: Client, bad: str) -> None:
    assert (await api.get(f"/api/prospects/{RICH}/health?{bad}")).status == 400


async def test_signals_come_newest_first(rich: dict[str, Any]) -> None:
    assert [(s["title"], s["amount"], s["confidence"]) for s in rich["signals"]] == [
        ("Newer", 9000, 1),
        ("Older", None, 0.8),
    ]


async def test_a_prospect_made_by_hand_has_empty_lists(api: Client) -> None:
    body = await (await api.get(f"/api/prospects/{BARE}")).json()
    assert (body["filings"], body["signals"], body["lenders"], body["health"]) == ([], [], [], None)


async def test_an_unknown_id_is_not_found(api: Client) -> None:
    missing = "ffffffff-0000-4000-8000-000000000000"
    response = await api.get(f"/api/prospects/{missing}")
    body = await response.json()
    assert (response.status, response.content_type) == (404, "application/problem+json")
    assert (body["code"], body["message"]) == ("not_found", f"Prospect {missing} not found")


@pytest.mark.parametrize("bad", ["1", "not-a-uuid", RICH + "0"])
async def test_an_id_that_is_none_is_refused(api: Client, bad: str) -> None:
    response = await api.get(f"/api/prospects/{bad}")
    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "/path/id"
