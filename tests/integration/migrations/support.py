"""Waiting for what a runner does, and writing meanwhile."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Self

import asyncpg


async def until(probe: Callable[[], Awaitable[object]], wanted: object = True) -> None:
    """Ask until the answer is `wanted`, 10 s at most."""
    for _ in range(500):
        if await probe() == wanted:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not {wanted!r} after 10 s")


class Writers:
    """Sessions that write to a table all the time, each measuring every write."""

    def __init__(self, url: str, statement: str, sessions: int = 4) -> None:
        self.url = url
        self.statement = statement
        self.sessions = sessions
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(self.sessions)]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)

    async def _write(self, number: int) -> None:
        connection = await asyncpg.connect(self.url)
        turn = number
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                await connection.execute(self.statement, turn)
            except asyncpg.PostgresError as exc:
                self.failures.append(str(exc))
            self.seconds.append(time.perf_counter() - began)
            turn += self.sessions
            await asyncio.sleep(0.002)
        await connection.close()
