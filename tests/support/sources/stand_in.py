"""An outside source on loopback: answers as it is told to, misbehaves on demand, remembers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer instead of the right one. `cut`: the body breaks off; `slow_s`: it comes late.

    A fault that is only slow is the right answer, late.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    slow_s: float = 0.0

    @property
    def only_slow(self) -> bool:
        """Whether nothing else is wrong with it."""
        return bool(self.slow_s) and self.status == 200 and not self.body


THROTTLED = Fault(429, b"slow down", {"Retry-After": "1"})
BROKEN = Fault(500, b"internal error")
HTML = Fault(200, b"<html><title>Maintenance</title></html>", {"Content-Type": "text/html"})
TRUNCATED = Fault(200, b'{"results": [{"Award ID": "W9')
TORN = Fault(200, b"[" + b" " * 5000, cut=True)
EMPTY = Fault(204)
ODD = Fault(200, b'"surprise"')
Respond = Callable[[Asked], Any]


@dataclass(slots=True)
class StandIn:
    """A running stand-in; `respond` makes the JSON of an answer, or a whole web.Response."""

    respond: Respond
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    always: Fault | None = None

    def fail(self, *faults: Fault) -> None:
        """Answer the next requests like this."""
        self.faults.extend(faults)

    async def handle(self, request: web.Request, spoilt: Fault | None = None) -> web.StreamResponse:
        """One request; `spoilt` is for this one, whatever others come meanwhile."""
        body = await request.read()
        asked = Asked(
            request.path, dict(request.query), request.headers, orjson.loads(body) if body else None
        )
        self.asked.append(asked)
        fault = spoilt or (self.faults.popleft() if self.faults else self.always)
        if fault is not None and fault.only_slow:
            await asyncio.sleep(fault.slow_s)
        elif fault is not None:
            return await _misbehave(request, fault)
        answer = self.respond(asked)
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(body=orjson.dumps(answer), content_type="application/json")


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.slow_s:
        await asyncio.sleep(fault.slow_s)
    if not fault.cut:
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)
    response = web.StreamResponse(headers={"Content-Length": str(2 * len(fault.body))})
    await response.prepare(request)
    await response.write(fault.body)
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def stand_in(respond: Respond) -> AsyncIterator[StandIn]:
    """A source that answers at its `url` until the end of the block."""
    source = StandIn(respond)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", source.handle)
    async with TestServer(app) as server:
        source.url = str(server.make_url("")).rstrip("/")
        yield source
