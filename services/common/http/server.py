"""The listening side: connections of clients that are too slow are closed.

aiohttp bounds how long a connection may idle; here a request head that has begun, or never
begins on a new connection, must be whole within HEAD_TIMEOUT_S, and a client that stops reading
its answer is dropped by the kernel (TCP_USER_TIMEOUT).
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from services.common import metrics
from services.common.errors import BadRequest
from services.common.http import problems

IDLE_S = 75.0  # longer than load balancers keep a connection
_NO_HTTP = "This is no valid HTTP, or its line or one of its headers has more than 8190 bytes"
_LINGER_S = 5.0
_STALLED_MS = 30_000


class _Connection(RequestHandler):
    """Knows since when it waits for the rest of a head."""

    __slots__ = ("head_since",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.head_since: float | None = self._loop.time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        waiting = self._waiter is not None and not self._waiter.done()
        if not waiting:
            self.head_since = None
        elif self.head_since is None:
            self.head_since = self._loop.time()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A problem document for what never becomes a request of the application, too."""
        answer = super().handle_error(request, status, exc, message)
        if status != BadRequest.status:
            return answer
        answer = problems.respond(request, BadRequest(_NO_HTTP))
        answer.force_close()
        return answer


class _Server(Server):
    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    def close_slow(self, timeout_s: float) -> None:
        """Close connections whose head is not whole after `timeout_s`."""
        oldest = self._loop.time() - timeout_s
        for connection in self.connections:
            since = connection.head_since if isinstance(connection, _Connection) else None
            if since is not None and since < oldest and connection.transport:
                metrics.slow_clients_total.inc()
                connection.force_close()


class Runner(web.AppRunner):
    """An AppRunner that closes slow connections while it is set up."""

    def __init__(self, app: web.Application, *, head_timeout_s: float, drain_s: float) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=drain_s,
            keepalive_timeout=IDLE_S,
            lingering_time=_LINGER_S,
        )
        self._head_timeout_s = head_timeout_s

    async def _make_server(self) -> Server:
        made: Server = await super()._make_server()
        # one class is swapped for another of the same shape: aiohttp has no place to name it
        made.__class__ = _Server
        return made

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look for slow connections while the block runs."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, self._head_timeout_s / 2))
            if isinstance(self.server, _Server):
                self.server.close_slow(self._head_timeout_s)


def listen(address: str, port: int) -> socket.socket:
    """A listening socket; connections inherit that a stalled reader is dropped."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        listening.bind((address, port))
    except OSError:
        listening.close()
        raise
    return listening
