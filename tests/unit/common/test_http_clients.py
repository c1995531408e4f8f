"""Clients that are slow, far behind proxies, or take gzip."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from pydantic import BaseModel

from services.common.config import ApiSettings
from services.common.db import Database
from services.common.http.addresses import Addresses, counted
from services.common.http.app import build_app, serving
from services.common.http.routes import Routes
from tests.stack.ports import free_port
from tests.unit.common.service import FakeDatabase, application, bearer, routes, settings

PORT = free_port()
LASTING_S = 30.0
"""So long a client would go on that nobody cuts off."""
big = Routes("/api/big", "big")


class Big(BaseModel):
    """Something long."""

    text: str = "long " * 1000


@big.get("", roles=None)
async def plain() -> Big:
    """Long, nothing else."""
    return Big()


@big.get("/tagged", roles=None, response=Big)
async def tagged() -> web.Response:
    """Long, with an ETag."""
    return web.json_response(Big().model_dump(), headers={"ETag": '"v1"'})


@big.get("/streamed", roles=None, response=Big)
async def streamed(request: web.Request) -> web.StreamResponse:
    """Long, in parts."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(10):
        await response.write(b"x" * 1000)
    return response


@asynccontextmanager
async def served(**changes: Any) -> AsyncIterator[str]:
    """The service on a real socket, as run() would."""
    given: ApiSettings = settings(port=PORT, listen_address="127.0.0.1", drain_s=0.2, **changes)
    db = cast(Database, FakeDatabase())
    async with serving(build_app(given, [routes, big], service="things", db=db)):
        yield f"http://127.0.0.1:{PORT}"


async def trickle(data: bytes, every_s: float, enough: bytes = b"") -> tuple[bytes, float]:
    """Send `data`, then a byte now and then; what came back and after how long it ended."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    begun, got = loop.time(), b""
    try:
        writer.write(data)
        while loop.time() - begun < LASTING_S:
            try:
                async with asyncio.timeout(every_s):
                    part = await reader.read(4096)
            except TimeoutError:
                writer.write(b"x")
                continue
            got += part
            if not part or (enough and enough in got):
                break
    except ConnectionError:
        pass
    finally:
        writer.close()
    return got, loop.time() - begun


@pytest.mark.parametrize("sent", [b"", b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_end_is_cut_off(sent: bytes) -> None:
    async with served(head_timeout_s=0.5):
        _, seconds = await trickle(sent, 0.1 if sent else LASTING_S)
    assert 0.4 < seconds < LASTING_S


async def test_a_second_head_that_does_not_end_is_cut_off_too() -> None:
    whole = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    async with served(head_timeout_s=0.5):
        got, seconds = await trickle(whole + b"GET /health HTTP/1.1\r\nX-Slow: ", 0.1)
    assert got.startswith(b"HTTP/1.1 200")
    assert seconds < LASTING_S


async def test_a_body_that_does_not_end_is_answered_408() -> None:
    token = bearer()["Authorization"]
    head = (
        "POST /api/things/sweep HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: 100000\r\nAuthorization: {token}\r\n\r\n{{"
    )
    async with served(body_timeout_s=0.3):
        got, _ = await trickle(head.encode(), 0.1, b"request_timeout")
    assert got.startswith(b"HTTP/1.1 408")
    assert b'"code":"request_timeout"' in got


async def test_an_idle_connection_is_kept() -> None:
    async with served(head_timeout_s=1) as url, ClientSession() as session:
        for _ in range(2):
            assert (await session.get(f"{url}/health")).status == 200
            await asyncio.sleep(1.5)
        connector = session.connector
        assert connector is not None
        assert sum(len(kept) for kept in connector._conns.values()) == 1


@pytest.mark.parametrize(
    ("path", "accepted", "encoding"),
    [
        ("/api/big", "gzip, deflate", "gzip"),
        ("/api/big", "br, *;q=0.5", "gzip"),
        ("/api/big", "gzip;q=0", None),
        ("/api/big", "br", None),
        ("/api/big/tagged", "gzip", None),
        ("/api/big/streamed", "gzip", None),
        ("/health", "gzip", None),
    ],
)
async def test_long_finished_bodies_are_gzip_for_who_takes_it(
    path: str, accepted: str, encoding: str | None
) -> None:
    async with served() as url, ClientSession(auto_decompress=False) as session:
        async with session.get(url + path, headers={"Accept-Encoding": accepted}) as response:
            body = await response.read()
            assert response.headers.get("Content-Encoding") == encoding
        assert ("Accept-Encoding" in response.headers.get("Vary", "")) == (path == "/api/big")
    if encoding:
        assert gzip.decompress(body) == Big().model_dump_json().encode()


def request_from(peer: str, *forwarded: str) -> web.Request:
    made = make_mocked_request("GET", "/", headers=[("X-Forwarded-For", f) for f in forwarded])
    return made.clone(remote=peer)


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ("", "9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("10.0.0.0/8", "9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("10.0.0.0/8", "10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.2.3.4"], "1.1.1.1"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("10.0.0.0/8", "10.0.0.1", ["1.1.1.1:4711"], "1.1.1.1"),
        ("10.0.0.0/8, ::1", "::1", ["[2001:db8::1]:80"], "2001:db8::1"),
        ("10.0.0.0/8", "10.0.0.1", ["1.1.1.1, rubbish"], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", ["10.0.0.7"], "10.0.0.7"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
    ],
)
def test_the_address_is_what_the_last_trusted_proxy_says(
    trusted: str, peer: str, forwarded: list[str], client: str
) -> None:
    assert Addresses(trusted).client(request_from(peer, *forwarded)) == client


def test_an_ipv6_client_counts_as_its_network() -> None:
    assert counted("2001:db8::1") == counted("2001:db8::2") != counted("2001:db8:0:1::1")
    assert counted("10.0.0.1") != counted("10.0.0.2")


async def test_every_answer_has_the_security_headers() -> None:
    async with TestClient(TestServer(application())) as client:
        for path in ("/health", "/none", "/api/things"):
            headers = (await client.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert headers["Strict-Transport-Security"].startswith("max-age=")
            assert headers["Cache-Control"] == "no-store"


async def test_a_line_that_is_too_long_gets_a_problem_document() -> None:
    async with served() as url, ClientSession() as session:
        async with session.get(f"{url}/api/things?q={'x' * 9000}") as answer:
            problem = await answer.json()
        assert answer.status == 400
        assert answer.content_type == "application/problem+json"
        assert (problem["code"], "8190" in problem["detail"]) == ("bad_request", True)
