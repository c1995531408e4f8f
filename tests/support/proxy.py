"""A proxy before PostgreSQL or PgBouncer that fails as networks and servers do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_FATAL = b"SFATAL\0VFATAL\0C08P01\0Mserver conn crashed?\0\0"
LAST_WORDS = b"E" + (len(_FATAL) + 4).to_bytes(4, "big") + _FATAL
"""What PgBouncer says to a client whose server it lost, before it hangs up."""


class Proxy:
    """Passes on all that is said at `url`, unless a test has it fail."""

    def __init__(self, there: str) -> None:
        self.url = there
        self._there = urlsplit(there)
        self.talking = asyncio.Event()
        self.talking.set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._cutting: bytes | None = None
        self._generation = 0
        self.cuts = 0

    def cut_after(self, said: bytes) -> None:
        """Once: pass on what has `said` in it, wait for the answer, hang up without telling it."""
        self._cutting = said

    def forget(self) -> None:
        """From now on say nothing on the connections there are, as after a lost route."""
        self._generation += 1

    def say(self, words: bytes) -> None:
        """Say something to every client that the server did not say."""
        for client in self._clients:
            client.write(words)

    async def serve(self) -> asyncio.Server:
        """Listen on a free port and put it into `url`."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        user = self._there.netloc.rpartition("@")[0]
        port = server.sockets[0].getsockname()[1]
        self.url = self._there._replace(netloc=f"{user}@127.0.0.1:{port}").geturl()
        return server

    async def close(self) -> None:
        """Hang up on everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        back, server = await asyncio.open_connection(self._there.hostname, self._there.port)
        self._clients.add(client)
        cut = asyncio.Event()
        for pump in (self._up(reader, server, cut), self._down(back, client, cut)):
            task = asyncio.create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _up(
        self, client: asyncio.StreamReader, server: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        try:
            async for data in self._heard(client):
                if self._cutting and self._cutting in data:
                    self._cutting = None
                    cut.set()
                server.write(data)
        finally:
            server.close()

    async def _down(
        self, server: asyncio.StreamReader, client: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        try:
            async for data in self._heard(server):
                if cut.is_set():
                    self.cuts += 1
                    return
                client.write(data)
        finally:
            self._clients.discard(client)
            client.close()

    async def _heard(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        born = self._generation
        while data := await reader.read(65536):
            await self.talking.wait()
            if born == self._generation:
                yield data


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy before `url` while the block runs."""
    proxy = Proxy(url)
    server = await proxy.serve()
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
