"""Every failure is a problem document that says what happened and gives nothing away."""

import logging

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.common.errors import Unavailable, known
from tests.unit.common.conftest import Meter
from tests.unit.common.service import Client, FakeDatabase, application, bearer

MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "request_id",
    "error",
    "message",
}


async def test_an_unknown_address_is_a_problem(client: Client) -> None:
    response = await client.get("/api/nothing?x=1")
    assert response.status == 404
    assert response.content_type == "application/problem+json"
    problem = await response.json()
    assert set(problem) == MEMBERS
    assert problem["type"] == "/errors/not_found"
    assert problem["error"] == "Not Found"
    assert problem["instance"] == "/api/nothing"
    assert problem["message"] == problem["detail"] == "Route GET /api/nothing not found"


async def test_a_wrong_method_tells_the_right_ones(client: Client) -> None:
    response = await client.put("/api/things")
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
async def test_an_address_of_its_own_is_no_id(client: Client, method: str) -> None:
    """/api/things/{id} takes these, /api/things/sweep does not."""
    response = await client.request(method, "/api/things/sweep", headers=bearer())
    assert response.status == 405
    assert response.headers["Allow"] == "POST"
    assert (await response.json())["code"] == "method_not_allowed"


async def test_an_error_nobody_foresaw_stays_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = await client.get("/api/things/fail/bug")
    assert response.status == 500
    assert "hunter2" not in await response.text()
    assert "hunter2" in caplog.text


async def test_a_dependency_away_says_when_to_return(client: Client) -> None:
    response = await client.get("/api/things/fail/away")
    assert response.status == 503
    assert response.headers["Retry-After"] == "2"
    assert (await response.json())["code"] == "unavailable"


async def test_what_is_unavailable_always_says_when_to_return(client: Client) -> None:
    response = await client.get("/api/things/fail/nonsense")
    assert (response.status, response.headers["Retry-After"]) == (503, "1")


async def test_work_over_the_deadline_is_cancelled() -> None:
    async with TestClient(TestServer(application(request_deadline_s=0.05))) as client:
        response = await client.get("/api/things/fail/slow")
        assert response.status == 504
        assert (await response.json())["code"] == "deadline_exceeded"


async def test_a_database_away_until_the_deadline_is_not_the_fault_of_the_work() -> None:
    away = FakeDatabase()
    away.error = Unavailable("The database cannot be reached")
    async with TestClient(TestServer(application(away, request_deadline_s=0.05))) as client:
        response = await client.get("/api/things/fail/slow")
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert (await response.json())["code"] == "unavailable"


async def test_a_timeout_inside_the_deadline_is_not_the_deadline(client: Client) -> None:
    response = await client.get("/api/things/fail/timeout")
    assert (await response.json())["code"] == "internal"


async def test_a_redirect_is_no_failure(client: Client) -> None:
    response = await client.get("/api/things/fail/moved", allow_redirects=False)
    assert response.status == 302
    assert response.headers["Location"] == "/api/things"


async def test_the_type_of_a_problem_leads_to_a_page(client: Client) -> None:
    for error in known():
        response = await client.get(f"/errors/{error.code}")
        assert response.status == 200
        assert response.content_type == "text/html"
    assert (await client.get("/errors/none_such")).status == 404


async def test_failures_are_counted_by_code(client: Client, meter: Meter) -> None:
    await client.get("/api/things/fail/away")
    assert meter.grown("ucc_errors_total", code="unavailable") == 1


async def test_the_caller_is_told_the_request_id_of_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.get("/api/things", headers=bearer() | {"X-Request-Id": "trace.1-a_b"})
    assert response.headers["X-Request-Id"] == "trace.1-a_b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é"])
async def test_a_strange_request_id_is_replaced(client: Client, given: str) -> None:
    response = await client.get("/health", headers={"X-Request-Id": given})
    assert len(response.headers["X-Request-Id"]) == 32


async def test_a_problem_names_its_request(client: Client) -> None:
    response = await client.get("/none")
    assert (await response.json())["request_id"] == response.headers["X-Request-Id"]
