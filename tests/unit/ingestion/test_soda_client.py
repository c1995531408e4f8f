"""The client is polite, patient and plain about what it cannot get."""

from email.utils import formatdate

import orjson
import pytest

from services.common.errors import SourceRejected, SourceUnavailable
from services.pipelines.ingestion.registers import soda
from services.pipelines.ingestion.registers.soda import Patience
from tests.unit.ingestion.soda_host import (
    Clock,
    body,
    broken_off,
    client_of,
    soda_host,
    stall,
    status,
)

ROWS = [{"id": str(n), "name": f"ROW {n}"} for n in range(5)]


async def test_page_and_whether_it_is_full() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        first, full = await client.rows("abcd-1234", order="id", limit=3)
        rest, more = await client.rows("abcd-1234", order="id", limit=3, offset=3)
    assert (first.rows, full) == (ROWS[:3], True)
    assert (rest.rows, more) == (ROWS[3:], False)


async def test_all_rows_of_a_condition_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soda, "PAGE_MAX", 2)
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        found = await client.all_rows("abcd-1234", order="id", where="id>='1'")
    assert found.rows == ROWS[1:]
    assert [query["$offset"] for _, query in host.requests] == ["0", "2", "4"]


async def test_lists_of_values_are_asked_in_chunks_that_fit_a_url() -> None:
    values = [f"{n:013}" for n in range(1200)]
    rows = [{"id": value} for value in values]
    async with soda_host(abcd_1234=rows) as host, client_of(host) as client:
        found = await client.matching("abcd-1234", "id", [*values, *values], order="id")
    assert sorted(row["id"] for row in found.rows) == values
    assert max(len(query["$where"]) for _, query in host.requests) < 7000
    assert len(host.requests) == 4


async def test_quotes_in_values_are_doubled() -> None:
    rows = [{"id": "O'BRIEN"}, {"id": "OTHER"}]
    async with soda_host(abcd_1234=rows) as host, client_of(host) as client:
        found = await client.matching("abcd-1234", "id", ["O'BRIEN"], order="id")
    assert found.rows == rows[:1]


async def test_no_values_ask_nothing() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        found = await client.matching("abcd-1234", "id", [], order="id")
    assert found.rows == []
    assert host.requests == []


async def test_app_token_is_sent() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, app_token="t0ken") as client:
        await client.rows("abcd-1234", order="id", limit=1)
    assert host.headers[0]["X-App-Token"] == "t0ken"


@pytest.mark.parametrize("code", [429, 500, 502, 503, 202, 408])
async def test_passing_troubles_are_tried_again(code: int) -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock) as client:
        host.faults.extend([status(code), status(code)])
        found, _ = await client.rows("abcd-1234", order="id", limit=9)
    assert found.rows == ROWS
    assert clock.slept == [1, 2]


async def test_back_off_is_capped() -> None:
    clock = Clock()
    patience = Patience(tries=6, most_s=5)
    async with soda_host() as host, client_of(host, clock, patience=patience) as client:
        host.faults.extend([status(500)] * 6)
        with pytest.raises(SourceUnavailable):
            await client.rows("abcd-1234", order="id", limit=9)
    assert clock.slept == [1, 2, 4, 5, 5]


async def test_retry_after_in_seconds_is_honoured() -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock) as client:
        host.faults.append(status(429, Retry_After="17"))
        await client.rows("abcd-1234", order="id", limit=9)
    assert clock.slept == [17]


async def test_retry_after_as_a_date_is_honoured() -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock) as client:
        host.faults.append(status(503, Retry_After=formatdate(clock.at + 21, usegmt=True)))
        await client.rows("abcd-1234", order="id", limit=9)
    assert clock.slept == [21]


@pytest.mark.parametrize("told", ["soon", "nan", "-5", "Mon, 99 Foo 2026"])
async def test_retry_after_without_sense_is_ignored(told: str) -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock) as client:
        host.faults.append(status(503, Retry_After=told))
        await client.rows("abcd-1234", order="id", limit=9)
    assert clock.slept == [1]


async def test_retry_after_is_capped() -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock) as client:
        host.faults.append(status(429, Retry_After="86400"))
        await client.rows("abcd-1234", order="id", limit=9)
    assert clock.slept == [60]


async def test_giving_up_names_the_host_and_a_remedy() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.extend([status(429, Retry_After="30")] * 6)
        with pytest.raises(SourceUnavailable) as refused:
            await client.rows("abcd-1234", order="id", limit=9)
    assert host.url.removeprefix("http://") in refused.value.detail
    assert "answered 429, 6 times" in refused.value.detail
    assert "SOURCE_TEST_RATE" in refused.value.detail
    assert refused.value.retry_after == 30


async def test_host_that_cannot_be_reached_is_told_plainly() -> None:
    async with soda_host() as host:
        assert host.url
    async with client_of(host, patience=Patience(tries=2)) as client:
        with pytest.raises(SourceUnavailable, match=r"cannot be reached.*SOURCE_TEST_URL"):
            await client.rows("abcd-1234", order="id", limit=9)


async def test_other_refusals_are_final() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        with pytest.raises(SourceRejected, match="answered 400: not in the subset"):
            await client.rows("abcd-1234", order="id", limit=9, where="id != '3'")
    assert len(host.requests) == 1


async def test_slow_answer_is_tried_again() -> None:
    patience = Patience(tries=2, timeout_s=1)
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, patience=patience) as client:
        host.faults.append(stall)
        found, _ = await client.rows("abcd-1234", order="id", limit=9)
    assert found.rows == ROWS


async def test_body_that_breaks_off_is_asked_again() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.append(broken_off)
        found, _ = await client.rows("abcd-1234", order="id", limit=9)
    assert found.rows == ROWS


async def test_requests_keep_to_the_rate() -> None:
    clock = Clock()
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock, rate=4) as client:
        for _ in range(4):
            await client.rows("abcd-1234", order="id", limit=1)
    assert clock.slept == [0.25, 0.25, 0.25]


async def test_all_requests_wait_where_the_source_asks_for_quiet() -> None:
    clock = Clock()
    patience = Patience(tries=2)
    async with soda_host(abcd_1234=ROWS) as host, client_of(host, clock, patience=patience) as c:
        host.faults.extend([status(429, Retry_After="30"), status(429, Retry_After="30")])
        with pytest.raises(SourceUnavailable):
            await c.rows("abcd-1234", order="id", limit=1)
        assert clock.slept == [30]
        clock.at -= 20
        await c.rows("abcd-1234", order="id", limit=1)
    assert clock.slept == [30, 20]


async def test_html_page_is_no_empty_page() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.extend([body("<html>down for maintenance</html>")] * 3)
        with pytest.raises(SourceUnavailable, match="cut short"):
            await client.rows("abcd-1234", order="id", limit=9)


async def test_json_that_is_no_list_is_no_page() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.append(body('{"error": true}'))
        with pytest.raises(SourceUnavailable, match="sent no rows"):
            await client.rows("abcd-1234", order="id", limit=9)


async def test_body_that_is_json_at_last_loses_nothing() -> None:
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.append(body('[{"id":"0"},{"id":'))
        found, full = await client.rows("abcd-1234", order="id", limit=9)
    assert (found.rows, found.rejected, full) == (ROWS, [], False)


async def test_bad_row_is_set_aside_and_the_rest_of_the_page_kept() -> None:
    bad = orjson.dumps(ROWS).decode().replace('"ROW 2"', '"ROW" 2"')
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.extend([body(bad)] * 3)
        found, full = await client.rows("abcd-1234", order="id", limit=9)
    assert [row["id"] for row in found.rows] == ["0", "1", "3", "4"]
    assert [r.row for r in found.rejected] == ['{"id":"2","name":"ROW" 2"}']
    assert full


async def test_rows_that_a_cut_body_lacks_are_asked_for() -> None:
    cut = orjson.dumps(ROWS)[:70]
    async with soda_host(abcd_1234=ROWS) as host, client_of(host) as client:
        host.faults.extend([body(cut)] * 3)
        found, _ = await client.rows("abcd-1234", order="id", limit=9)
    assert (found.rows, found.rejected) == (ROWS, [])
    assert host.requests[-1][1]["$offset"] == "2"
