"""The service as a process of its own, and names that these tests share."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, unused_port

from services.common.http import token
from services.common.types import Role
from services.prospects.settings import ProspectsSettings

Client = TestClient[web.Request, web.Application]


def bearer(settings: ProspectsSettings, role: Role) -> dict[str, str]:
    """The header of a caller with this role."""
    return {"Authorization": f"Bearer {token.make(settings, role)}"}


@dataclass(frozen=True)
class Running:
    """A running service: its process and base URL."""

    process: Process
    url: str

    async def answers(self, path: str, status: int = 200) -> bool:
        """Whether a GET is answered with `status`."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
                return answer.status == status
        except aiohttp.ClientError:
            return False


async def until(met: Callable[[], Awaitable[object]], seconds: float = 20) -> None:
    """Return when `met`; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while True:
            if await met():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Running]:
    """`python -m services.prospects`, from when it answers until the end of the block."""
    port = unused_port()
    env = {**os.environ, **environment, "PORT": str(port), "NOT_READY_S": "0.2"}
    module = ("-m", "services.prospects", *arguments)
    process = await asyncio.create_subprocess_exec(sys.executable, *module, env=env, stdout=DEVNULL)
    service = Running(process, f"http://127.0.0.1:{port}")
    try:
        await until(lambda: service.answers("/health/live"))
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
