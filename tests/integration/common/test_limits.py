"""Rate limits on a real Redis, alone and as a cluster: exact over processes, open without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.common import metrics
from services.common.config import LimitSettings
from services.common.context import Principal
from services.common.http import limits
from services.common.http.limits import Limiter
from services.common.redis import connect
from services.common.types import Role
from tests.stack.ports import free_port
from tests.support.redis_cluster import redis_cluster
from tests.support.waiting import PATIENCE_S, until
from tests.unit.common.service import application, bearer

ANN = Principal("ann", Role.VIEWER)


class Processes:
    """Limiters that share one Redis as processes would."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack

    async def start(self, url: str, count: int = 1, **settings: Any) -> list[Limiter]:
        cluster = settings.pop("cluster", False)
        chosen = LimitSettings.model_validate({"rate_limit_window_s": 60, **settings})
        limiters = [Limiter(chosen, connect(url, cluster=cluster)) for _ in range(count)]
        for limiter in limiters:
            await self._stack.enter_async_context(limiter.open())
        return limiters


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that was well is waited for: on a busy machine it may answer late."""
    monkeypatch.setattr(limits, "_WAIT_S", PATIENCE_S)


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        yield Processes(stack)


async def let_in(limiter: Limiter, who: Principal | None = ANN, address: str = "") -> bool:
    verdict = await limiter.admit(who, address)
    assert verdict is not None
    return verdict.refusal is None


async def burst(limiters: list[Limiter], requests: int, at_once: int = 16) -> int:
    """How many of `requests`, spread over all limiters, are let in."""
    gate = asyncio.Semaphore(at_once)

    async def one(number: int) -> bool:
        async with gate:
            return await let_in(limiters[number % len(limiters)])

    return sum(await asyncio.gather(*map(one, range(requests))))


async def used_up(limiters: list[Limiter], limit: int) -> int:
    """How many are let in until that is the limit: what nobody spent of a lease comes back."""
    passed = await burst(limiters, limit + 300)
    async with asyncio.timeout(PATIENCE_S):
        while passed < limit:
            await asyncio.sleep(0.2)
            passed += await burst(limiters, 300)
    return passed + await burst(limiters, 300)


def counted(name: str) -> float:
    return float(getattr(metrics, name)._value.get())


@pytest.mark.parametrize("limit", [100, 3000])
async def test_the_total_over_processes_is_exact(
    processes: Processes, redis_url: str, limit: int
) -> None:
    limiters = await processes.start(redis_url, 4, rate_limit_max=limit)
    assert await used_up(limiters, limit) == limit
    fresh = await processes.start(redis_url, 1, rate_limit_max=limit)
    assert not await let_in(fresh[0])
    assert not await let_in(limiters[0])


async def test_callers_one_after_another_get_exactly_the_limit(
    processes: Processes, redis_url: str
) -> None:
    limiters = await processes.start(redis_url, 3, rate_limit_max=20)
    answers = [await let_in(limiters[n % 3]) for n in range(30)]
    assert sum(answers) == 20


async def test_most_requests_of_a_busy_caller_need_no_redis(
    processes: Processes, redis_url: str
) -> None:
    [limiter] = await processes.start(redis_url, rate_limit_max=100_000)
    before = counted("rate_limit_leases_total")
    assert await burst([limiter], 5000) == 5000
    assert counted("rate_limit_leases_total") - before < 60


async def test_unspent_requests_go_back(processes: Processes, redis_url: str) -> None:
    [first, second] = await processes.start(redis_url, 2, rate_limit_max=1000)
    for _ in range(40):
        await let_in(first)
    redis, key = connect(redis_url), first._users["ann"].key

    async def gone_back() -> bool:
        return int(await cast(Awaitable[Any], redis.hget(key, "n"))) == 40

    await until(gone_back)
    await redis.aclose()
    verdict = await second.admit(ANN, "")
    assert verdict is not None
    assert "r=959;" in verdict.state


async def test_users_and_addresses_have_windows_of_their_own(
    processes: Processes, redis_url: str
) -> None:
    [limiter] = await processes.start(redis_url, rate_limit_max=1)
    callers: list[tuple[Principal | None, str]] = [
        (ANN, ""),
        (Principal("bob", Role.VIEWER), ""),
        (None, "10.0.0.1"),
        (None, "::1"),
    ]
    for who, address in callers:
        assert await let_in(limiter, who, address)
        assert not await let_in(limiter, who, address)


async def test_a_new_window_lets_in_again(processes: Processes, redis_url: str) -> None:
    [limiter] = await processes.start(redis_url, rate_limit_max=2, rate_limit_window_s=2)
    assert [await let_in(limiter) for _ in range(3)] == [True, True, False]
    await until(lambda: let_in(limiter))


async def test_roles_have_limits_of_their_own(processes: Processes, redis_url: str) -> None:
    [limiter] = await processes.start(
        redis_url, rate_limit_max=1, rate_limit_max_admin=0, rate_limit_max_analyst=2
    )
    assert await limiter.admit(Principal("root", Role.ADMIN), "") is None
    analyst = Principal("eve", Role.ANALYST)
    assert [await let_in(limiter, analyst) for _ in range(3)] == [True, True, False]
    verdict = await limiter.admit(Principal("bot", Role.SERVICE), "")
    assert verdict is not None
    assert verdict.policy == '"service";q=100000;w=60'


async def test_without_redis_requests_pass_at_once_and_are_counted(processes: Processes) -> None:
    [limiter] = await processes.start(f"redis://127.0.0.1:{free_port()}", rate_limit_max=1)
    before = counted("rate_limit_unchecked_total")
    waited = []
    for _ in range(200):
        begun = time.perf_counter()
        assert await limiter.admit(ANN, "") is None
        waited.append(time.perf_counter() - begun)
    assert sorted(waited)[100] < 0.001
    assert counted("rate_limit_unchecked_total") - before == 200


class Relay:
    """Stands before Redis and answers nothing while `hanging`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.hanging = True

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/9"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._tasks.add(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.hanging:
                there, back = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
                finally:
                    back.close()
            await asyncio.sleep(2)
        finally:
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)


async def test_a_redis_that_hangs_costs_a_few_milliseconds_and_is_used_again(
    redis_url: str,
) -> None:
    relay = Relay(int(redis_url.rsplit(":", 1)[1].split("/")[0]))
    async with relay as url, AsyncExitStack() as stack:
        [limiter] = await Processes(stack).start(url, rate_limit_max=5)
        waited = []
        for _ in range(100):
            begun = time.perf_counter()
            assert await limiter.admit(ANN, "") is None
            waited.append(time.perf_counter() - begun)
            await asyncio.sleep(0.005)
        assert sorted(waited)[50] < 0.01
        assert sorted(waited)[90] < 0.1  # the slowest tell how busy the machine is
        relay.hanging = False
        await until(lambda: limiter.admit(ANN, ""))


@pytest.mark.parametrize("named", ["redis+cluster", "redis"])
async def test_a_cluster_counts_like_one_server(tmp_path: Path, named: str) -> None:
    with redis_cluster(tmp_path) as nodes:
        async with AsyncExitStack() as stack:
            url, cluster = f"{named}://127.0.0.1:{nodes[0]}", named == "redis"
            limiters = await Processes(stack).start(url, 2, rate_limit_max=50, cluster=cluster)
            assert await used_up(limiters, 50) == 50
            for number in range(20):  # keys on every node
                who = Principal(f"user-{number}", Role.VIEWER)
                assert await let_in(limiters[number % 2], who)


async def test_a_request_over_the_limit_is_told_when_to_return(redis_url: str) -> None:
    app = application(rate_limit_max=2, rate_limit_window_s=30, redis_url=redis_url)
    async with TestClient(TestServer(app)) as client:
        first = await client.get("/api/things", headers=bearer())
        assert first.headers["RateLimit-Policy"] == '"viewer";q=2;w=30'
        assert first.headers["RateLimit"] == '"viewer";r=1;t=30'
        await client.get("/api/things", headers=bearer())
        refused = await client.get("/api/things", headers=bearer())
        assert (refused.status, refused.content_type) == (429, "application/problem+json")
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        assert refused.headers["RateLimit"].startswith('"viewer";r=0;t=')
        assert (await refused.json())["code"] == "rate_limited"


async def test_health_and_documents_are_never_limited(redis_url: str) -> None:
    app = application(rate_limit_max=1, redis_url=redis_url)
    async with TestClient(TestServer(app)) as client:
        for path in ("/health", "/api/health", "/metrics", "/openapi.json", "/docs") * 3:
            response = await client.get(path)
            assert response.status == 200
            assert "RateLimit" not in response.headers


async def test_bad_tokens_are_counted_by_address(redis_url: str) -> None:
    app = application(rate_limit_max=2, redis_url=redis_url, trusted_proxies="127.0.0.0/8")
    async with TestClient(TestServer(app)) as client:
        for n, status in enumerate((401, 401, 429)):
            headers = {"Authorization": f"Bearer bad{n}", "X-Forwarded-For": "203.0.113.7"}
            assert (await client.get("/api/things", headers=headers)).status == status
        elsewhere = {"X-Forwarded-For": "203.0.113.8"}
        assert (await client.get("/api/things", headers=elsewhere)).status == 401
