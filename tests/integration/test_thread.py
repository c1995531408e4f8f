"""From a state register to ranked prospects: the whole thread, as a reader of the API sees it."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from tests.integration.conftest import Whole
from tests.support.processes import process
from tests.support.stack import TestStack

GRADES = {"A": 90, "B": 80, "C": 70, "D": 60, "F": 0}


@pytest.fixture(scope="module")
def url(whole: Whole, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The prospects service on what the sample became."""
    folder = tmp_path_factory.mktemp("prospects")
    with process("services.prospects", whole.environment, folder) as service:
        yield f"{service.url}/api/prospects"


@pytest.fixture(scope="module")
def token(stack: TestStack) -> str:
    return stack.token("viewer")


@pytest.fixture
async def session(token: str) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


async def get(session: aiohttp.ClientSession, url: str, **query: object) -> dict[str, Any]:
    async with session.get(
        url, params={name: str(value) for name, value in query.items()}
    ) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
        return body


async def best(session: aiohttp.ClientSession, url: str, **query: object) -> list[dict[str, Any]]:
    """The first hundred prospects in the order of the default list."""
    found: list[dict[str, Any]] = (await get(session, url, limit=100, **query))["prospects"]
    return found


async def named(
    session: aiohttp.ClientSession, url: str, whole: Whole, name: str
) -> dict[str, Any]:
    """The prospect with a name, whole."""
    found = whole.database.psql(f"SELECT id FROM prospects WHERE company_name ILIKE '{name}%'")
    return await get(session, f"{url}/{found}")


def test_the_run_is_told_by_the_jobs_api(whole: Whole) -> None:
    assert (whole.run["state"], whole.run["error"]) == ("succeeded", None)
    assert whole.run["result"]["unscored"] == 0
    assert whole.run["result"]["new"] == len(whole.contents["filing_events"])


async def test_stacked_cash_advances_come_first(
    session: aiohttp.ClientSession, url: str, whole: Whole
) -> None:
    stacked = int(whole.database.psql("SELECT count(*) FROM prospects WHERE stack_depth >= 2"))
    first = await best(session, url, state="CO")
    assert 0 < stacked < len(first)
    assert all(p["stack_depth"] >= 2 and p["mca"] != "none" for p in first[:stacked])
    assert all(p["stack_depth"] < 2 for p in first[stacked:])


async def test_prospects_come_by_score(session: aiohttp.ClientSession, url: str) -> None:
    scores = [p["priority_score"] for p in await best(session, url)]
    assert all(higher >= lower for higher, lower in pairwise(scores))
    assert scores[0] > scores[-1]


async def test_stacking_has_its_filings_as_evidence(
    session: aiohttp.ClientSession, url: str
) -> None:
    for item in await best(session, url, stacked="true"):
        evidence = item["evidence"]["stack_depth"]
        assert len(evidence) == item["stack_depth"]
        assert [e["mca"] for e in evidence].count("certain") == item["stack_certain"]
        assert all(e["why"] and e["filing"].startswith("sample:") for e in evidence)


async def test_evidence_names_filings_of_the_prospect(
    session: aiohttp.ClientSession, url: str
) -> None:
    (item, *_) = await best(session, url)
    prospect = await get(session, f"{url}/{item['id']}")
    filings = {f"{f['register']}:{f['filing_number']}" for f in prospect["filings"]}
    assert {e["filing"] for e in item["evidence"]["mca"]} <= filings
    assert {e["filing"] for lender in item["lenders"] for e in lender["evidence"]} <= filings


async def test_three_positions_within_13_days_are_a_stack_of_three(
    session: aiohttp.ClientSession, url: str, whole: Whole
) -> None:
    prospect = await named(session, url, whole, "dunmarrow bar excavating")
    assert (prospect["mca"], prospect["stack_depth"], prospect["stack_certain"]) == (
        "certain",
        3,
        2,
    )
    assert {e["lender"] for e in prospect["evidence"]["stack_depth"]} >= {"Libertas Funding"}


async def test_a_trade_name_is_split_off(
    session: aiohttp.ClientSession, url: str, whole: Whole
) -> None:
    prospect = await named(session, url, whole, "torvale foods")
    assert prospect["company_name"].casefold().startswith("torvale foods")
    assert "dba" not in prospect["company_name"].casefold()
    assert [name.casefold() for name in prospect["trade_names"]] == ["the copper ladle"]


async def test_list_by_state(session: aiohttp.ClientSession, url: str, whole: Whole) -> None:
    everywhere = len(whole.contents["prospects"])
    assert (await get(session, url, state="CO"))["pagination"]["total"] == everywhere
    assert (await get(session, url, state="TX"))["pagination"]["total"] == 0


async def test_list_by_score(session: aiohttp.ClientSession, url: str, whole: Whole) -> None:
    body = await get(session, url, min_score=50, limit=100)
    count = whole.database.psql("SELECT count(*) FROM prospects WHERE priority_score >= 50")
    assert body["pagination"]["total"] == int(count) > 0
    assert min(p["priority_score"] for p in body["prospects"]) >= 50


async def test_equipment_filings_are_signals(
    session: aiohttp.ClientSession, url: str, whole: Whole
) -> None:
    found = whole.database.psql(
        "SELECT prospect_id FROM growth_signals GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    prospect = await get(session, f"{url}/{found}")
    assert {(s["type"], s["source"]) for s in prospect["signals"]} == {
        ("equipment", "ucc_equipment")
    }
    assert len(prospect["signals"]) > 1


async def test_signals_of_the_last_540_days_count(
    session: aiohttp.ClientSession, url: str, whole: Whole
) -> None:
    for found in whole.database.psql(
        "SELECT prospect_id FROM growth_signals GROUP BY 1 ORDER BY max(observed_on) DESC LIMIT 9"
    ).splitlines():
        prospect = await get(session, f"{url}/{found}")
        since = date.fromisoformat(prospect["health"]["as_of"]) - timedelta(days=540)
        recent = [s for s in prospect["signals"] if s["observed_on"] >= since.isoformat()]
        assert prospect["health"]["signals"] == len(recent) > 0


async def test_health_follows_the_base_formula_less_liens(
    session: aiohttp.ClientSession, url: str
) -> None:
    for item in (await best(session, url))[:10]:
        health = (await get(session, f"{url}/{item['id']}"))["health"]
        score = 70 + min(2 * health["signals"], 20) - min(5 * health["violations"], 30)
        score -= min(5 * health["liens"], 20)
        assert (health["score"], item["health_score"]) == (score, score)
        assert sum(part["points"] for part in health["components"]) == score
        assert health["grade"] == item["health_grade"]
        assert score >= GRADES[health["grade"]]


async def test_score_components_sum_to_the_score(session: aiohttp.ClientSession, url: str) -> None:
    for item in (await best(session, url))[:10]:
        parts = (await get(session, f"{url}/{item['id']}"))["score_components"]
        assert sum(part["points"] for part in parts) == item["priority_score"]
        assert all(part["reason"] for part in parts)


async def test_without_a_token_nothing_is_told(session: aiohttp.ClientSession, url: str) -> None:
    async with aiohttp.ClientSession() as stranger, stranger.get(url) as answer:
        assert answer.status == 401
