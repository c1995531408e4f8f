"""A way to the API server on which watches fall silent, as behind a load balancer that forgot them.

Connections on which the client asks again and again go on; nothing is hung up.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

IDLE_S = 1.5
"""A client that said nothing for so long only listens: to a watch."""


@dataclass
class Way:
    """One connection."""

    asked: float = field(default_factory=time.monotonic)
    silent: bool = False


class Silencer:
    """Passes on all bytes, until `silence`."""

    def __init__(self, server: str) -> None:
        self._there = urlsplit(server)
        self._listening: asyncio.Server | None = None
        self.url = ""
        self._ways: list[Way] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """How many lead to the API server now."""
        return len(self._ways)

    def silence(self) -> int:
        """From now on nothing comes back on connections that only listen; how many these are."""
        idle = [way for way in self._ways if time.monotonic() - way.asked > IDLE_S]
        for way in idle:
            way.silent = True
        return len(idle)

    async def accept(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        server, ask = await asyncio.open_connection(self._there.hostname, self._there.port)
        way = Way()
        self._ways.append(way)
        for pump in (self._up(client, ask, way), self._down(server, answer, way)):
            task = asyncio.create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def open(self) -> None:
        """Listen on a free port."""
        self._listening = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.url = f"https://127.0.0.1:{self._listening.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Hang up on everybody, and refuse those who ask again."""
        if self._listening:
            self._listening.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _up(self, client: asyncio.StreamReader, ask: asyncio.StreamWriter, way: Way) -> None:
        try:
            while data := await client.read(65536):
                way.asked = time.monotonic()
                ask.write(data)
        finally:
            ask.close()

    async def _down(
        self, server: asyncio.StreamReader, answer: asyncio.StreamWriter, way: Way
    ) -> None:
        try:
            while data := await server.read(65536):
                if not way.silent:
                    answer.write(data)
        finally:
            self._ways.remove(way)
            answer.close()


@asynccontextmanager
async def silenced(server: str) -> AsyncIterator[Silencer]:
    """A way to `server` while the block runs."""
    silencer = Silencer(server)
    await silencer.open()
    try:
        yield silencer
    finally:
        await silencer.close()
