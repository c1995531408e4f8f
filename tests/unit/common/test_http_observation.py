"""What a request leaves behind: a metric by route template and a line in the log."""

import logging

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.unit.common.conftest import Meter
from tests.unit.common.service import Client, application, bearer

ID = "00000000-0000-4000-8000-000000000001"


async def test_a_route_is_counted_by_its_template(client: Client, meter: Meter) -> None:
    await client.get(f"/api/things/{ID}", headers=bearer())
    labels = {"route": "/api/things/{id}", "method": "GET", "status": "404"}
    assert meter.grown("ucc_http_requests_total", **labels) == 1
    assert meter.grown("ucc_http_request_seconds_count", **labels) == 1


async def test_strange_addresses_and_methods_make_no_new_labels(
    client: Client, meter: Meter
) -> None:
    await client.get("/wp-login.php")
    await client.request("PROPFIND", "/pot")
    unmatched = {"route": "unmatched", "status": "404"}
    assert meter.grown("ucc_http_requests_total", method="GET", **unmatched) == 1
    assert meter.grown("ucc_http_requests_total", method="other", **unmatched) == 1


async def test_a_request_is_a_line_with_its_caller(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "services.http"):
        await client.get("/api/things?page=1", headers=bearer(user="bob"))
    line = next(vars(r) for r in caplog.records if r.name == "services.http")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/things", 200)
    assert line["user"] == "bob"
    assert line["duration_ms"] > 0


async def test_probes_do_not_fill_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "services.http"):
        await client.get("/health/ready")
        await client.get("/metrics")
    assert not [r for r in caplog.records if r.name == "services.http"]


async def test_answers_carry_security_headers(client: Client) -> None:
    response = await client.get("/none")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in response.headers["Server"]


async def test_a_browser_of_a_known_origin_is_let_in(client: Client) -> None:
    origin = "http://localhost:5173"
    response = await client.get("/health", headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"


async def test_a_browser_of_another_origin_is_not(client: Client) -> None:
    response = await client.get("/health", headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_any_origin_is_let_in_without_credentials_where_the_setting_is_a_star() -> None:
    async with TestClient(TestServer(application(cors_origin="*"))) as client:
        response = await client.get("/health", headers={"Origin": "http://any.example"})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_preflight_is_answered_without_a_token(client: Client) -> None:
    headers = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    response = await client.options("/api/things", headers=headers)
    assert response.status == 204
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
