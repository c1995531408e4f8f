"""Long exports of a running service: constant memory, slow readers, readers that go away."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import aiohttp
import pytest

from services.common.types import Role
from services.prospects.settings import ProspectsSettings
from tests.integration.prospects.exports import trail
from tests.integration.prospects.support import Running, bearer, running
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database
from tests.support.waiting import until

ROWS = 60_000
MANY = f"""
INSERT INTO prospects (company_name, name_key, state, priority_score, lenders, evidence)
SELECT 'Company ' || i, 'K' || i, (ARRAY['CO', 'CT', 'OR'])[1 + i % 3], i % 4 * 25,
       '[{{"name": "Fast Capital"}}]',
       jsonb_build_object('mca', jsonb_build_array(jsonb_build_object('why', repeat('x', 300))))
FROM generate_series(1, {ROWS}) AS i;
ANALYZE prospects;
"""
IDS = "SELECT string_agg(id::text, ',' ORDER BY priority_score DESC, id) FROM prospects"


@pytest.fixture(scope="module")
def many(stack: TestStack, template_database: TestDatabase) -> Iterator[TestDatabase]:
    """A database of 60,000 prospects, about 30 MB of csv, that these tests share."""
    made = create_database(stack, "prospects_many", template_database.name)
    made.psql(MANY)
    yield made
    drop_database(stack, made.name)


@pytest.fixture
def variables(environment: dict[str, str], many: TestDatabase) -> dict[str, str]:
    """A service with two connections that cuts off who reads nothing for two seconds."""
    many.psql("TRUNCATE audit_logs")
    given = {"DB_POOL_MAX": "2", "EXPORT_STALL_S": "2", "RATE_LIMIT_MAX": "0"}
    return environment | {"DATABASE_URL": many.url} | given


@pytest.fixture
async def session(settings: ProspectsSettings) -> AsyncIterator[aiohttp.ClientSession]:
    """A client as an analyst."""
    async with aiohttp.ClientSession(headers=bearer(settings, Role.ANALYST)) as made:
        yield made


LAST_CHUNK = b"0\r\n\r\n"


def resident(service: Running) -> int:
    """Bytes of memory that the service has now."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


@asynccontextmanager
async def unread(
    service: Running, settings: ProspectsSettings
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """An export of everything whose answer nobody reads."""
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    body = b'{"format": "csv", "filter": {}}'
    head = [
        "POST /api/prospects/export HTTP/1.1",
        f"Host: {host}",
        f"Authorization: {bearer(settings, Role.ANALYST)['Authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    assert b"200 OK" in await reader.readline()
    try:
        yield reader, writer
    finally:
        writer.close()


def ended(database: TestDatabase) -> list[dict[str, object]]:
    """What the trail says of the exports that ended."""
    return [after for _, what, after in trail(database) if what == "export"]


async def test_memory_does_not_grow_and_every_row_comes_once(
    variables: dict[str, str], session: aiohttp.ClientSession, many: TestDatabase
) -> None:
    body = {"format": "csv", "filter": {}}
    async with running(variables) as service:
        await (await session.get(f"{service.url}/api/prospects?limit=100")).read()
        before, peak, pieces = resident(service), 0, []
        started, first = monotonic(), 0.0
        async with session.post(f"{service.url}/api/prospects/export", json=body) as answer:
            async for piece in answer.content.iter_any():
                first = first or monotonic() - started
                pieces.append(piece)
                peak = max(peak, resident(service))
    file = b"".join(pieces)
    ids = [row["id"] for row in csv.DictReader(io.StringIO(file.decode(), newline=""))]
    assert ids == many.psql(IDS).split(",")
    assert (len(file) > 25_000_000, peak - before < 20_000_000) == (True, True), (len(file), peak)
    assert first < 1
    assert [after["rows"] for after in ended(many)] == [ROWS]


async def test_readers_that_stall_hold_no_connection_and_are_cut_off(
    variables: dict[str, str],
    session: aiohttp.ClientSession,
    settings: ProspectsSettings,
    many: TestDatabase,
) -> None:
    async with (
        running(variables | {"EXPORT_STALL_S": "5"}) as service,
        unread(service, settings) as (reader, _),
        unread(service, settings),
        unread(service, settings),
    ):
        for _ in range(5):
            async with session.get(f"{service.url}/api/prospects") as answer:
                assert answer.status == 200
        assert ended(many) == [], "the lists waited for the readers' end"
        await until(lambda: _is(len(ended(many)) == 3))
        assert not (await reader.read()).endswith(LAST_CHUNK)
    assert all(after["complete"] is False for after in ended(many))


async def _is(value: bool) -> bool:
    return value


async def test_the_work_ends_when_the_client_hangs_up(
    variables: dict[str, str], settings: ProspectsSettings, many: TestDatabase
) -> None:
    async with running(variables | {"EXPORT_STALL_S": "3600"}) as service:
        async with unread(service, settings) as (_, writer):
            writer.transport.abort()
        await until(lambda: _is(len(ended(many)) == 1))
        [after] = ended(many)
        assert after["complete"] is False
        assert json.loads(str(after["rows"])) < ROWS


async def test_an_export_that_fails_midway_breaks_off(
    variables: dict[str, str],
    session: aiohttp.ClientSession,
    environment: dict[str, str],
    many: TestDatabase,
) -> None:
    body = {"format": "json", "filter": {}}
    async with running(variables) as service:
        async with session.post(f"{service.url}/api/prospects/export", json=body) as answer:
            assert await answer.content.readexactly(2) == b"[\n"
            many.psql("ALTER VIEW prospect_sheet RENAME TO away")
            try:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await answer.read()
            finally:
                many.psql("ALTER VIEW away RENAME TO prospect_sheet")
        assert await service.answers("/health/ready")
