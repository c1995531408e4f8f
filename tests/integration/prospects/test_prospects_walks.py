"""Walks by cursor, and totals, while others write."""

import asyncio
from itertools import product
from typing import Any

import pytest

from services.common.db import Database
from services.prospects import service, store
from tests.integration.prospects.support import Desk

FILL = """
INSERT INTO prospects (debtor_key, company_name, name_key, state, priority_score, created_at, mca)
SELECT 'CO:N' || n, 'Company ' || n % 7, 'N' || n, CASE WHEN n % 3 = 0 THEN 'CT' ELSE 'CO' END,
       n % 5, '2026-09-01'::timestamptz + make_interval(secs => n % 11),
       CASE WHEN n % 2 = 0 THEN 'certain' ELSE 'none' END
FROM generate_series(1, 200) AS n
"""
ORDERS = [*product(["priority_score", "created_at", "company_name"], ["asc", "desc"])]


async def _walk(desk: Desk, query: str) -> list[dict[str, Any]]:
    """All that a walk shows, by the Link header alone."""
    found: list[dict[str, Any]] = []
    path = f"?{query}"
    while True:
        answer = await desk.call("GET", path)
        assert answer.status == 200, answer.body
        found += answer.body["prospects"]
        link = answer.headers.get("Link")
        assert (link is None) == (answer.body["next"] is None)
        if link is None:
            return found
        target, relation = link.split("; ")
        assert relation == 'rel="next"'
        path = target.strip("<>").removeprefix("/api/prospects")


@pytest.mark.parametrize(("by", "order"), ORDERS)
async def test_a_walk_shows_what_the_pages_show(desk: Desk, by: str, order: str) -> None:
    desk.database.psql(FILL)
    query = f"sort_by={by}&sort_order={order}&state=CO"
    walked = [p["id"] for p in await _walk(desk, f"{query}&limit=9")]
    paged = []
    for page in (1, 2):
        paged += (await desk.call("GET", f"?{query}&limit=100&page={page}")).body["prospects"]
    assert walked == [p["id"] for p in paged]
    assert len(set(walked)) == 134


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("filters", ["", "&state=CO", "&min_score=2", "&max_score=3&state=CT"])
async def test_a_page_far_down_is_the_same_by_its_score(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, order: str, filters: str
) -> None:
    desk.database.psql(FILL)
    pages = [f"?sort_order={order}&limit=9&page={page}{filters}" for page in range(1, 9)]
    plain = [(await desk.call("GET", page)).body for page in pages]
    monkeypatch.setattr(service, "FAR", 0)
    assert [(await desk.call("GET", page)).body for page in pages] == plain


@pytest.mark.parametrize(("by", "order"), ORDERS)
async def test_a_walk_under_writes_repeats_and_misses_nothing_that_stays(
    desk: Desk, by: str, order: str
) -> None:
    desk.database.psql(FILL)
    stay = set(desk.database.psql("SELECT id FROM prospects WHERE mca = 'none'").splitlines())
    done = asyncio.Event()

    async def write() -> None:
        for number in range(10_000):
            if done.is_set():
                return
            await asyncio.to_thread(
                desk.database.psql,
                f"UPDATE prospects SET priority_score = (priority_score + {number}) % 101, "
                f"corrected_name = 'Company ' || {number} % 9 WHERE mca = 'certain';"
                "INSERT INTO prospects (company_name, state, priority_score, mca) "
                f"VALUES ('Company 3', 'CO', {number} % 5, 'possible')",
            )

    writer = asyncio.create_task(write())
    seen = [p["id"] for p in await _walk(desk, f"sort_by={by}&sort_order={order}&limit=3")]
    done.set()
    await writer
    unchanged = [each for each in seen if each in stay]
    assert sorted(unchanged) == sorted(stay)


async def test_a_walk_may_begin_at_any_page(desk: Desk) -> None:
    desk.database.psql(FILL)
    whole = [p["id"] for p in await _walk(desk, "limit=50")]
    assert [p["id"] for p in await _walk(desk, "limit=50&page=3")] == whole[100:]


async def test_with_a_cursor_there_is_no_page(desk: Desk) -> None:
    desk.database.psql(FILL)
    first = (await desk.call("GET", "?limit=10&mca=certain")).body
    second = await desk.call("GET", f"?limit=10&mca=certain&cursor={first['next']}")
    assert second.body["pagination"] == first["pagination"] | {"page": None}
    refused = await desk.call("GET", f"?limit=10&mca=certain&page=2&cursor={first['next']}")
    assert (refused.status, refused.pointers) == (400, ["/query/page"])


async def test_a_cursor_of_another_list_is_refused(desk: Desk) -> None:
    desk.database.psql(FILL)
    cursor = (await desk.call("GET", "?limit=10&state=CO")).body["next"]
    refused = await desk.call("GET", f"?limit=10&state=CT&cursor={cursor}")
    assert (refused.status, refused.pointers) == (400, ["/query/cursor"])


async def _total(desk: Desk, query: str = "") -> int:
    answer = await desk.call("GET", f"?limit=1&{query}")
    total: int = answer.body["pagination"]["total"]
    return total


async def test_totals_follow_every_kind_of_write_within_two_seconds(desk: Desk) -> None:
    assert await _total(desk) == 0
    desk.database.psql(FILL)
    desk.database.psql(
        "UPDATE prospects SET corrected_industry = 'retail', status = 'dead', priority_score = 77 "
        "WHERE name_key IN ('N1', 'N2', 'N4'); DELETE FROM prospects WHERE name_key = 'N4';"
        "INSERT INTO prospects (company_name, state) VALUES ('x', 'GU') ON CONFLICT DO NOTHING"
    )
    await asyncio.sleep(2)
    assert await _total(desk) == 200
    assert await _total(desk, "industry=retail&status=dead&min_score=77&max_score=77") == 2
    assert await _total(desk, "state=GU") == 1
    desk.database.psql("TRUNCATE prospects CASCADE")
    await asyncio.sleep(2)
    assert await _total(desk) == 0


async def test_folding_beside_writers_loses_no_change(desk: Desk, db: Database) -> None:
    desk.database.psql(FILL)

    async def write(number: int) -> None:
        await asyncio.to_thread(
            desk.database.psql,
            f"UPDATE prospects SET priority_score = {number} WHERE name_key LIKE 'N{number}%'",
        )

    await asyncio.gather(*map(write, range(1, 10)), *(store.fold(db) for _ in range(20)))
    await store.fold(db)
    assert desk.database.psql("SELECT count(*) FROM prospect_cell_deltas") == "0"
    counted = "SELECT state, status, score, prospects FROM prospect_cells WHERE prospects <> 0"
    real = "SELECT state, status, priority_score, count(*) FROM prospects GROUP BY 1, 2, 3"
    assert desk.database.psql(f"({counted}) EXCEPT ALL ({real})") == ""
    assert desk.database.psql(f"({real}) EXCEPT ALL ({counted})") == ""


async def test_other_filters_are_counted_up_to_ten_thousand(desk: Desk) -> None:
    desk.database.psql(
        "INSERT INTO prospects (debtor_key, company_name, name_key, state, mca) "
        "SELECT 'CO:N' || n, 'C', 'N' || n, 'CO', 'certain' FROM generate_series(1, 10000) AS n;"
        "ANALYZE prospects"
    )
    exact = (await desk.call("GET", "?limit=1&mca=certain")).body["pagination"]
    assert (exact["total"], exact["total_is_estimate"]) == (10_000, False)
    desk.debtor(1, debtor_key="CO:ONE", mca="certain")
    more = (await desk.call("GET", "?limit=1&mca=certain")).body["pagination"]
    assert (more["total"] > 10_000, more["total_is_estimate"]) == (True, True)
