"""Answers that are sent while they are made: who hangs up early is no failure of ours."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import cast

import pytest
from aiohttp import web

from services.common.db import Database
from services.common.http.app import build_app, serving
from services.common.http.routes import Routes
from services.common.http.streams import send
from tests.stack.ports import free_port
from tests.support.waiting import PATIENCE_S
from tests.unit.common.conftest import Meter
from tests.unit.common.service import FakeDatabase, settings

routes = Routes("/api/parts", "parts")
began, made, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()


@routes.get("", roles=None)
async def parts(request: web.Request) -> web.StreamResponse:
    """One part, when the test says so."""
    return await send(request, _parts(), headers={}, first_s=120, stall_s=120)


async def _parts() -> AsyncGenerator[bytes, None]:
    began.set()
    try:
        await made.wait()
        yield b"part"
    finally:
        closed.set()


async def test_a_client_that_hangs_up_before_the_first_part_is_no_failure(
    caplog: pytest.LogCaptureFixture, meter: Meter
) -> None:
    db = cast(Database, FakeDatabase())
    port = free_port()
    given = settings(port=port, listen_address="127.0.0.1", drain_s=0.2)
    # as run() does: a server for tests would cancel what it does for a client that went
    async with serving(build_app(given, [routes], service="parts", db=db)):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/parts HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            await began.wait()
        writer.transport.abort()
        await asyncio.sleep(0.1)
        with caplog.at_level(logging.ERROR):
            made.set()
            async with asyncio.timeout(PATIENCE_S):
                await closed.wait()
            await asyncio.sleep(0.05)
    assert [r.message for r in caplog.records if r.levelno >= logging.ERROR] == []
    assert meter.grown("ucc_errors_total", code="internal") == 0
