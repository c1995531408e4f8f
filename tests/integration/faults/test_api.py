"""The API while PgBouncer, PostgreSQL or Redis break under load: right answers, or 503 in time."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest

from services.common.types import Role
from tests.integration.faults.crowd import DEADLINE_S, Caller, Crowd, Place, ident
from tests.integration.faults.judge import judge, well_again
from tests.load.exposition import scrape
from tests.support.processes import process
from tests.support.stack import TestStack
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.slow
BEFORE_S = 0.7
IN_A_ROW = 50
AWAY_S = 2.0
VIEWER_LIMIT = 20
RACES = 6
LIMITS = {"RATE_LIMIT_MAX": "1000000", "RATE_LIMIT_MAX_VIEWER": str(VIEWER_LIMIT)}
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND usename = 'ucc_intel' AND pid <> pg_backend_pid()
  AND random() < 0.3
"""
Fault = Callable[[TestStack], Awaitable[None]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The jobs service and the prospects service twice, on a stack that may be broken."""
    env = LIMITS | {"REQUEST_DEADLINE_S": str(DEADLINE_S)}
    with TestStack(["prospects", "jobs"], env=env, durable=True) as stack:
        folder = tmp_path_factory.mktemp("second")
        with process("services.prospects", stack.environment(), folder) as second:
            yield Place(stack, [stack.url("prospects"), second.url])


def killed(name: str) -> Fault:
    async def act(stack: TestStack) -> None:
        await asyncio.to_thread(stack.kill, name)
        await asyncio.to_thread(stack.wait_ready, name)

    return act


def restarted(name: str) -> Fault:
    async def act(stack: TestStack) -> None:
        await asyncio.to_thread(stack.restart, name)

    return act


def away(name: str, seconds: float = AWAY_S) -> Fault:
    async def act(stack: TestStack) -> None:
        await asyncio.to_thread(stack.hold, name)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(stack.release)

    return act


def frozen(name: str) -> Fault:
    """Takes connections and says nothing, for longer than a request may take."""

    async def act(stack: TestStack) -> None:
        stack.kill(name, signal.SIGSTOP)
        await asyncio.sleep(DEADLINE_S + 1.5)
        stack.kill(name, signal.SIGCONT)

    return act


async def cut(stack: TestStack) -> None:
    """Break a third of the connections of PgBouncer, again and again."""
    end = time.monotonic() + AWAY_S
    while time.monotonic() < end:
        await asyncio.to_thread(stack.psql, CUT)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(cut, id="connections cut"),
        pytest.param(killed("pgbouncer"), id="pgbouncer killed"),
        pytest.param(away("pgbouncer"), id="pgbouncer away"),
        pytest.param(frozen("pgbouncer"), id="pgbouncer frozen"),
        pytest.param(killed("postgres"), id="postgres killed"),
        pytest.param(restarted("postgres"), id="postgres restarted"),
        pytest.param(away("postgres"), id="postgres away"),
    ],
)
async def test_answers_are_right_or_503_and_what_is_written_is_written_once(
    place: Place, fault: Fault
) -> None:
    async with Crowd(place) as crowd:
        await asyncio.sleep(BEFORE_S)
        begun = time.monotonic()
        await fault(place.stack)
        back = time.monotonic()
        await crowd.until(lambda: well_again(crowd, back))
    print(f"{back - begun:.1f} s: {dict(sorted(crowd.told().items()))}")
    assert any(answer.status == 503 for answer in crowd.answers), "the fault hit nobody"
    judge(crowd, begun, back)


def unchecked(place: Place) -> float:
    """Requests that were let through without a look at their limit, in all processes."""
    return sum(scrape(url)["ucc_rate_limit_unchecked_total", ()] for url in place.urls)


def checked_again(crowd: Crowd, url: str) -> bool:
    """The last answers of a process all tell of the limit."""
    last = [a for a in crowd.answers if a.process == url][-IN_A_ROW:]
    return all("RateLimit" in a.headers for a in last)


async def test_without_redis_requests_pass_and_are_counted(place: Place) -> None:
    before = unchecked(place)
    async with Crowd(place) as crowd:
        await asyncio.sleep(BEFORE_S)
        begun = time.monotonic()
        await away("redis")(place.stack)
        back = time.monotonic()
        await crowd.until(lambda: well_again(crowd, back))
        await crowd.until(lambda: all(checked_again(crowd, url) for url in place.urls))
    judge(crowd, begun, back)
    told = crowd.told()
    assert {status for _, status in told} == {200, 201, 409}, told
    limited = [a for a in crowd.answers if "RateLimit" in a.headers]
    assert unchecked(place) - before == len(crowd.answers) - len(limited) > 100


async def test_a_limit_holds_again_when_redis_is_back(place: Place) -> None:
    await killed("redis")(place.stack)
    async with place.session(0, "limited", Role.VIEWER) as session:

        async def ask() -> aiohttp.ClientResponse:
            async with session.get("/api/prospects?limit=1") as answer:
                assert answer.status in (200, 429)
                return answer

        end = time.monotonic() + PATIENCE_S
        while "RateLimit" not in (await ask()).headers:
            assert time.monotonic() < end, "Redis is back and not asked"
        # a request that Redis answers late passes, and later ones pay for it
        while (answer := await ask()).status != 429:
            assert time.monotonic() < end, "Redis is asked and nobody is refused"
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.fixture
async def racers(place: Place) -> AsyncIterator[list[Caller]]:
    """Twelve callers who want the same, each on a connection of its own."""
    async with AsyncExitStack() as opened:
        made = []
        for number in range(12):
            session = await opened.enter_async_context(place.session(number, f"racer {number}"))
            made.append(Caller(place, f"racer {number}", session, "", str))
        yield made


async def test_each_race_for_a_claim_has_one_winner_whatever_breaks(
    place: Place, racers: list[Caller]
) -> None:
    breaking = asyncio.create_task(break_one_after_the_other(place.stack))
    won: dict[str, str] = {}
    while not breaking.done() or len(won) < RACES:
        target = ident(next(place.claimable))
        answers = await asyncio.gather(*(racer.claim(target) for racer in racers))
        [won[target]] = [answer.user for answer in answers if answer.status == 200]
        assert {answer.body["claimed_by"] for answer in answers} == {won[target]}
    await breaking
    refused = sum(answer.refused for racer in racers for answer in racer.answers)
    print(f"{len(won)} races, {refused} refusals")
    assert refused > 0, "the faults hit nobody"
    held = place.rows("SELECT id, claimed_by FROM prospects WHERE claimed_by LIKE 'racer %'")
    assert {row["id"]: row["claimed_by"] for row in held} == won
    trail = place.rows("SELECT entity_id, subject FROM audit_logs WHERE subject LIKE 'racer %'")
    assert sorted((row["entity_id"], row["subject"]) for row in trail) == sorted(won.items())


async def break_one_after_the_other(stack: TestStack) -> None:
    await cut(stack)
    await killed("pgbouncer")(stack)
    await asyncio.sleep(0.5)


async def test_a_user_disabled_when_postgresql_is_back_is_refused_in_two_seconds(
    place: Place,
) -> None:
    user = "leaver"
    pages = [(url, "/api/prospects?limit=1") for url in place.urls]
    pages.append((place.stack.url("jobs"), "/api/jobs?limit=1"))
    async with aiohttp.ClientSession(headers=place.bearer(user)) as session:

        async def statuses() -> list[int]:
            answers = [await session.get(url + path) for url, path in pages]
            return [answer.status for answer in answers]

        assert await statuses() == [200, 200, 200]
        await asyncio.sleep(0.5)  # until the row of the user is written
        await asyncio.to_thread(place.stack.hold, "postgres")
        await asyncio.sleep(1)
        assert set(await statuses()) == {503}
        coming = asyncio.create_task(asyncio.to_thread(place.stack.release))
        disable = f"UPDATE users SET disabled_at = now() WHERE subject = '{user}'"
        while True:
            with suppress(AssertionError):
                await asyncio.to_thread(place.sql, disable)
                break
        disabled = time.monotonic()
        asked = disabled
        while (seen := Counter(await statuses())) != {401: 3}:
            assert asked - disabled < 2, seen
            await asyncio.sleep(0.02)
            asked = time.monotonic()
        print(f"refused {asked - disabled:.2f} s after")
        await coming
