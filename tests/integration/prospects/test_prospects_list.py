"""GET /api/prospects on a real database: filters, orders, pages, and what is refused."""

from itertools import pairwise, product
from typing import Any

import pytest

from services.prospects.models import ProspectItem, ProspectList
from tests.integration.prospects.support import Client
from tests.support.stack import TestDatabase


async def _list(api: Client, query: str = "") -> dict[str, Any]:
    response = await api.get(f"/api/prospects?{query}")
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def _walk(api: Client, query: str, limit: int) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    found: list[dict[str, Any]] = []
    page = total = 1
    while page <= total:
        body = await _list(api, f"{query}&limit={limit}&page={page}")
        found += body["prospects"]
        page, total = page + 1, body["pagination"]["totalPages"]
    return found


async def test_the_answer_is_what_the_document_promises(api: Client) -> None:
    response = await api.get("/api/prospects?limit=100")
    assert response.content_type == "application/json"
    body = ProspectList.model_validate_json(await response.read())
    assert len(body.prospects) == 60
    assert all(
        set(item) == set(ProspectItem.model_fields) for item in (await response.json())["prospects"]
    )


async def test_page_1_of_20_by_priority_is_the_default(api: Client) -> None:
    body = await _list(api)
    assert body["pagination"] == {
        "page": 1,
        "limit": 20,
        "total": 60,
        "total_is_estimate": False,
        "totalPages": 3,
    }
    assert len(body["prospects"]) == 20
    assert body == await _list(
        api, "page=1&limit=20&sort_by=priority_score&sort_order=desc&status=all"
    )


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("state=CO", "state = 'CO'"),
        ("state=or", "state = 'OR'"),
        ("state=PR", "false"),
        ("industry=restaurant", "coalesce(corrected_industry, industry) = 'restaurant'"),
        ("industry=technology", "id::text LIKE '%07'"),
        ("min_score=50", "priority_score >= 50"),
        ("max_score=25", "priority_score <= 25"),
        ("min_score=25&max_score=50", "priority_score BETWEEN 25 AND 50"),
        ("min_score=75&max_score=75", "priority_score = 75"),
        *(
            (f"status={s}", f"status = '{s}'")
            for s in ("unclaimed", "claimed", "contacted", "dead")
        ),
        ("status=converted", "false"),
        ("mca=certain", "mca = 'certain'"),
        ("mca=none", "mca = 'none'"),
        ("stacked=true", "stack_depth >= 2"),
        ("stacked=false", "stack_depth < 2"),
        ("renewal_due=true", "renewal_due"),
        ("renewal_due=false", "NOT renewal_due"),
        ("distress=true", "distress"),
        ("renewal_from=2027-01-01", "renewal_on >= '2027-01-01'"),
        ("renewal_before=2027-06-01", "renewal_on < '2027-06-01'"),
        ("health_grade=C", "health_grade = 'C'"),
        ("signal_type=equipment", "id::text LIKE '%01'"),
        ("signal_type=permit", "false"),
        ("lender=fast%20capital", 'lenders::text ILIKE \'%"name": "fast capital"%\''),
        ("lender=FAST*", 'lenders::text ILIKE \'%"name": "fast%\''),
        ("lender=fast", "false"),
        ("lender=O'Brien%20%5C%27*", "false"),
        ("q=aaa", "coalesce(corrected_name, company_name) ILIKE '%aaa%'"),
        ("q=corrected", "coalesce(corrected_name, company_name) ILIKE '%corrected%'"),
        ("q=%25%25%25", "false"),
        (
            "state=CT&status=claimed&min_score=1",
            "state = 'CT' AND status = 'claimed' AND priority_score > 0",
        ),
        (
            "state=CO&stacked=true&distress=false",
            "state = 'CO' AND stack_depth > 1 AND NOT distress",
        ),
    ],
)
async def test_filters(api: Client, seeded: TestDatabase, query: str, condition: str) -> None:
    expected = seeded.psql(f"SELECT id FROM prospects WHERE {condition} ORDER BY 1").splitlines()
    body = await _list(api, f"{query}&limit=100")
    assert sorted(item["id"] for item in body["prospects"]) == expected
    assert body["pagination"]["total"] == len(expected)


@pytest.mark.parametrize("field", ["priority_score", "created_at", "company_name"])
async def test_orders(api: Client, field: str) -> None:
    rising = [p[field] for p in await _walk(api, f"sort_by={field}&sort_order=asc", 100)]
    falling = [p[field] for p in await _walk(api, f"sort_by={field}&sort_order=desc", 100)]
    assert rising == sorted(rising)
    assert falling == rising[::-1]
    assert falling == [p[field] for p in await _walk(api, f"sort_by={field}", 100)]


@pytest.mark.parametrize(
    ("field", "order"),
    [*product(["priority_score", "created_at", "company_name"], ["asc", "desc"])],
)
async def test_pages_cut_one_order_without_gap_or_repeat(
    api: Client, field: str, order: str
) -> None:
    query = f"sort_by={field}&sort_order={order}"
    whole = [p["id"] for p in await _walk(api, query, 100)]
    assert len(set(whole)) == 60
    assert [p["id"] for p in await _walk(api, query, 7)] == whole


async def test_equal_scores_go_by_id(api: Client) -> None:
    found = await _walk(api, "", 100)
    ties = [
        (a["id"], b["id"]) for a, b in pairwise(found) if a["priority_score"] == b["priority_score"]
    ]
    assert ties
    assert all(first < second for first, second in ties)


@pytest.mark.parametrize("page", [4, 1_000_000_000])
async def test_a_page_beyond_the_end_is_empty_with_the_right_total(api: Client, page: int) -> None:
    body = await _list(api, f"page={page}")
    assert body["prospects"] == []
    assert (body["pagination"]["page"], body["pagination"]["total"]) == (page, 60)


async def test_no_match_is_an_empty_page(api: Client) -> None:
    body = await _list(api, "state=GU")
    assert (body["prospects"], body["next"]) == ([], None)
    assert (body["pagination"]["total"], body["pagination"]["totalPages"]) == (0, 0)


async def test_corrections_count_before_what_was_filed(api: Client) -> None:
    first = (await _list(api, "sort_by=company_name&sort_order=asc&limit=1"))["prospects"][0]
    assert (first["company_name"], first["industry"]) == ("AAA Corrected", "technology")


async def test_evidence_and_lenders_pass_through(api: Client) -> None:
    found = {p["id"][-2:]: p for p in await _walk(api, "", 100)}["01"]
    assert found["evidence"]["mca"][0]["why"] == "A known funder."
    assert found["evidence"]["distress"]["kinds"] == {"federal_tax_lien": 1}
    assert found["lenders"][0]["evidence"][0]["filing"] == "co:2026200"
    assert (found["lien_amount"], found["filing_count"], found["open_filing_count"]) == (
        12500.5,
        2,
        1,
    )


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("page=0", ["/query/page"]),
        ("page=x", ["/query/page"]),
        ("page=1.5", ["/query/page"]),
        ("page=1000000001", ["/query/page"]),
        ("limit=0", ["/query/limit"]),
        ("limit=101", ["/query/limit"]),
        ("state=ZZ", ["/query/state"]),
        ("state=", ["/query/state"]),
        ("industry=banking", ["/query/industry"]),
        ("min_score=-1", ["/query/min_score"]),
        ("max_score=101", ["/query/max_score"]),
        ("min_score=60&max_score=50", ["/query/min_score", "/query/max_score"]),
        ("status=lost", ["/query/status"]),
        ("sort_by=id", ["/query/sort_by"]),
        ("sort_by=priority_score;DROP TABLE prospects", ["/query/sort_by"]),
        ("sort_order=up", ["/query/sort_order"]),
        ("mca=maybe", ["/query/mca"]),
        ("stacked=perhaps", ["/query/stacked"]),
        ("colour=red", ["/query/colour"]),
        ("state=CO&state=CT", ["/query/state"]),
        ("limit=0&state=ZZ", ["/query/state", "/query/limit"]),
        ("q=ab", ["/query/q"]),
        ("lender=", ["/query/lender"]),
        ("health_grade=E", ["/query/health_grade"]),
        ("signal_type=rumour", ["/query/signal_type"]),
        ("renewal_before=soon", ["/query/renewal_before"]),
        ("cursor=abc", ["/query/cursor"]),
        ("cursor=%C3%A9", ["/query/cursor"]),
    ],
)
async def test_what_cannot_be_read_is_named(api: Client, query: str, pointers: list[str]) -> None:
    response = await api.get(f"/api/prospects?{query}")
    body = await response.json()
    assert (response.status, response.content_type) == (400, "application/problem+json")
    assert body["code"] == "validation_failed"
    assert [error["pointer"] for error in body["errors"]] == pointers
