"""The jobs API while much is queued: each address again and again, and how long it takes."""

import asyncio
from itertools import chain
from time import perf_counter

import aiohttp

from tests.load.jobs.worker import KIND, QUEUE
from tests.support.stack import TestStack

PATHS = (
    "", "?state=queued&limit=100", f"?kind={KIND}&queue={QUEUE}&page=500", "?state=dead", "/queues",
    "/dead", "/schedules", "/{id}", "/{id}/log", "/{id}/attempts",
)  # fmt: skip
CALLS = 30
SIDE_BY_SIDE = 2


async def latencies(stack: TestStack, last_id: int) -> dict[str, list[float]]:
    """Milliseconds of each answer by address, sorted."""
    headers = {"Authorization": f"Bearer {stack.token('admin')}"}
    base = f"{stack.url('jobs')}/api/jobs"
    found: dict[str, list[float]] = {}
    async with aiohttp.ClientSession(headers=headers) as session:
        for path in PATHS:
            url = base + path.format(id=last_id)
            rounds = [_calls(session, url) for _ in range(SIDE_BY_SIDE)]
            found[path] = sorted(chain(*await asyncio.gather(*rounds)))
    return found


async def _calls(session: aiohttp.ClientSession, url: str) -> list[float]:
    taken = []
    for _ in range(CALLS):
        began = perf_counter()
        async with session.get(url) as answer:
            await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{url} answered {answer.status}")
        taken.append((perf_counter() - began) * 1000)
    return taken
