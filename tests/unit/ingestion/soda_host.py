"""An in-process register of the SODA subset we promise to use; it misbehaves to order.

Anything else (an unknown parameter, no $order, another operator) is a 400, so a reader that
strays fails its test.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.pipelines.ingestion.registers.soda import Patience, SodaClient

Row = dict[str, Any]
Answer = Callable[[web.Request], Awaitable[web.Response]]

_CONDITION = re.compile(
    r"(?:(?P<column>\w+)\s*(?P<sign>>=|=|<)\s*'(?P<value>(?:[^']|'')*)'"
    r"|(?P<member>\w+) in \((?P<values>'(?:[^']|'')*'(?:,'(?:[^']|'')*')*)\))"
)
_PARAMETERS = {"$where", "$order", "$limit", "$offset"}


@dataclass
class SodaHost:
    """Tables by data set; `requests` as they came; `faults` are answers given first."""

    tables: dict[str, list[Row]]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    faults: deque[Answer] = field(default_factory=deque)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        dataset, query = request.match_info["id"], dict(request.query)
        self.requests.append((dataset, query))
        self.headers.append(dict(request.headers))
        if self.faults:
            return await self.faults.popleft()(request)
        if not {"$order", "$limit"} <= query.keys() <= _PARAMETERS:
            return web.Response(status=400, text=f"parameters {sorted(query)}")
        if not 0 < int(query["$limit"]) <= 50_000:
            return web.Response(status=400, text="limit")
        try:
            rows = [r for r in self.tables[dataset] if _fits(query.get("$where"), r)]
        except ValueError as exc:
            return web.Response(status=400, text=str(exc))
        for column in reversed(query["$order"].split(",")):
            rows.sort(key=lambda row: str(row.get(column, "")))
        start = int(query.get("$offset", 0))
        return web.json_response(body=orjson.dumps(rows[start : start + int(query["$limit"])]))


def _fits(where: str | None, row: Row) -> bool:
    if not where:
        return True
    return all(_holds(part, row) for part in re.split(r"\s+and\s+", where))


def _holds(part: str, row: Row) -> bool:
    match = _CONDITION.fullmatch(part)
    if match is None:
        raise ValueError(f"not in the subset: {part}")
    if match["member"]:
        found = re.findall(r"'((?:[^']|'')*)'", match["values"])
        return row.get(match["member"]) in {value.replace("''", "'") for value in found}
    held, value = row.get(match["column"]), match["value"].replace("''", "'")
    if held is None:
        return False
    holds = {"=": held == value, ">=": held >= value, "<": held < value}
    return bool(holds[match["sign"]])


@asynccontextmanager
async def soda_host(**tables: list[Row]) -> AsyncIterator[SodaHost]:
    """A running host; a data set's dash is written as an underscore."""
    host = SodaHost({name.replace("_", "-"): rows for name, rows in tables.items()})
    app = web.Application()
    app.router.add_get("/resource/{id}.json", host.answer)
    async with TestServer(app) as server:
        host.url = str(server.make_url("/")).rstrip("/")
        yield host


class Clock:
    """A clock that only sleeping moves, so that tests of waiting take no time."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.at += seconds


@asynccontextmanager
async def client_of(
    host: SodaHost, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[SodaClient]:
    """A client without a limit and without jitter, on a clock of its own."""
    own = clock or Clock()
    patience = settings.pop("patience", Patience())
    async with aiohttp.ClientSession() as session:
        yield SodaClient(
            session,
            host.url,
            source="test",
            rate=settings.pop("rate", None),
            patience=patience,
            clock=own,
            now=own,
            sleep=own.sleep,
            jitter=lambda _, most: most,
            **settings,
        )


def status(code: int, **headers: str) -> Answer:
    """An answer with this status; a header's dash is written as an underscore."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=code, headers=named, text="no")

    return answer


def body(text: str | bytes) -> Answer:
    """A 200 with this body, whatever it is."""
    sent = text.encode() if isinstance(text, str) else text

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=sent, content_type="application/json")

    return answer


async def stall(request: web.Request) -> web.Response:
    """No answer for as long as a test lasts."""
    await asyncio.sleep(30)
    return web.Response()


async def broken_off(request: web.Request) -> web.Response:
    """A body shorter than its Content-Length, then the connection is closed."""
    assert request.transport
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n[{")
    request.transport.close()
    return web.Response()
