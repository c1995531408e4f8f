"""The register over HTTP, as a reader meets it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.sample_register.app import MAX_LINE, make_app
from services.sample_register.dataset import Dataset

FILINGS = "/resource/wffy-3uut.json"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(small: Dataset) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(small)), max_line_size=MAX_LINE) as client:
        yield client


async def _json(client: Client, path: str, **params: str) -> Any:
    async with client.get(path, params={f"${k}": v for k, v in params.items()}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_a_page(client: Client) -> None:
    rows = await _json(client, FILINGS, where="filingdate>='2026-01-01'", limit="5")
    assert len(rows) == 5
    assert all(row["filingdate"] >= "2026-01-01" for row in rows)


async def test_a_thousand_rows_unless_told(client: Client, small: Dataset) -> None:
    assert len(await _json(client, FILINGS)) == min(1000, len(small["wffy-3uut"].rows))


async def test_800_ids_in_one_request_line(small: Dataset) -> None:
    runner = web.AppRunner(make_app(small), max_line_size=MAX_LINE)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        where = "fileid in ({})".format(",".join(f"'{n}'" for n in range(100_000_000, 100_000_800)))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}{FILINGS}", params={"$where": where}) as response,
        ):
            assert await response.json() == []
    finally:
        await runner.cleanup()


async def test_a_bad_query_is_answered_as_socrata_does(client: Client) -> None:
    async with client.get(FILINGS, params={"$where": "nosuch = 'x'"}) as response:
        assert response.status == 400
        body = await response.json()
    assert body["errorCode"] == "query.soql.no-such-column"
    assert "nosuch" in body["message"]


@pytest.mark.parametrize("path", ["/resource/none-such.json", "/api/views/none-such/rows.csv"])
async def test_an_unknown_data_set(client: Client, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 404
        assert (await response.json())["code"] == "dataset.missing"


async def test_failures_on_demand(client: Client) -> None:
    await client.post("/_control", json={"fail_next": 2, "status": 429, "retry_after": 1.5})
    answers = [await client.get(FILINGS) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "1.5"


async def test_health_answers_while_data_fails(client: Client) -> None:
    await client.post("/_control", json={"fail_next": 1, "status": 503})
    assert (await client.get("/health")).status == 200
    assert (await client.get(FILINGS)).status == 503


async def test_a_body_cut_in_the_middle(client: Client) -> None:
    await client.post("/_control", json={"truncate_next": 1})
    with pytest.raises(aiohttp.ClientPayloadError):
        async with client.get(FILINGS) as response:
            await response.read()
    assert (await client.get(FILINGS)).status == 200


async def test_switches_keep_what_is_not_given(client: Client) -> None:
    await client.post("/_control", json={"slow_ms": 1})
    async with client.post("/_control", json={"fail_next": 1}) as response:
        state = await response.json()
    assert (state["slow_ms"], state["fail_next"]) == (1, 1)


async def test_requests_are_counted(client: Client) -> None:
    await client.post("/_control", json={"fail_next": 1})
    for _ in range(3):
        await client.get(FILINGS)
    async with client.get("/_control") as response:
        state = await response.json()
    assert (state["requests"], state["failed"]) == (3, 1)


async def test_an_unknown_switch_is_refused(client: Client) -> None:
    async with client.post("/_control", json={"explode": 1}) as response:
        assert response.status == 400
        assert "explode" in (await response.json())["message"]


async def test_throttling_tells_when_to_come_back(small: Dataset) -> None:
    async with TestClient(TestServer(make_app(small, rate=2.0))) as client:
        answers = [await client.get(FILINGS) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 0 < float(answers[2].headers["Retry-After"]) <= 0.5


async def test_the_bulk_csv(client: Client, small: Dataset) -> None:
    async with client.get("/api/views/wffy-3uut/rows.csv?accessType=DOWNLOAD") as response:
        lines = (await response.text()).split("\r\n")
    assert lines[0].startswith("transactionId,masterDocumentId,fileId,transactionType,documentType")
    assert len(lines) - 2 == len(small["wffy-3uut"].rows)
    assert lines[1].split(",")[7] == "03/01/2021"


async def test_metrics_show_the_cpu_of_the_stand_in(client: Client) -> None:
    assert "process_cpu_seconds_total" in await (await client.get("/metrics")).text()
