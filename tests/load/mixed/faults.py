"""One request in twenty goes wrong: the sample register by its switches, the stand-in by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import aiohttp
from aiohttp import web

from tests.support.sources.rows import award, awards
from tests.support.sources.stand_in import Asked

SHARE = 20
_LOOK_S = 0.05
_WRONG: tuple[tuple[int, bytes, dict[str, str]], ...] = (
    (429, b"slow down", {"Retry-After": "1"}),
    (500, b"internal error", {}),
    (200, b"<html><title>Maintenance</title></html>", {"Content-Type": "text/html"}),
    (200, b'{"results": [{"Award ID": "W9', {}),
    (503, b"", {}),
)


@dataclass(slots=True)
class Awards:
    """USAspending: one business in three has a contract, always the same; faults if `wrong`."""

    wrong: bool
    asked: int = 0
    failed: int = 0

    def respond(self, asked: Asked) -> Any:
        """The answer, or every twentieth time a fault, each kind in turn."""
        self.asked += 1
        if self.wrong and self.asked % SHARE == 0:
            status, body, headers = _WRONG[self.failed % len(_WRONG)]
            self.failed += 1
            return web.Response(status=status, body=body, headers=headers)
        name = asked.body["filters"]["recipient_search_text"][0]
        number = crc32(name.encode())
        return awards(award(f"W{number}", name)) if number % 3 == 0 else awards()


@asynccontextmanager
async def faulty_register(url: str) -> AsyncIterator[None]:
    """One request in twenty to the sample register is refused or breaks off, until the end."""
    task = asyncio.create_task(_disturb(f"{url}/_control"))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _disturb(url: str) -> None:
    asked = wrong = 0
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as answer:
                asked = (await answer.json())["requests"]
            if asked // SHARE > wrong:
                wrong += 1
                kinds = ({"fail_next": 1, "status": 429, "retry_after": 0.2},
                         {"fail_next": 1, "status": 500}, {"truncate_next": 1})  # fmt: skip
                await (await session.post(url, json=kinds[wrong % len(kinds)])).release()
            await asyncio.sleep(_LOOK_S)
