"""The rate of a source in a real Redis: one for all workers, and nothing goes out without it."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from services.common.errors import SourceUnavailable
from services.common.redis import Client, connect
from services.pipelines.enrichment.signals.answers import Answer, Answers
from services.pipelines.enrichment.signals.gate import Gate, RedisAway

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Client]:
    client = connect(redis_url)
    yield client
    await client.aclose()


async def test_workers_together_keep_to_the_rate(redis: Client, redis_url: str) -> None:
    other = connect(redis_url)
    gates = [Gate(redis, "osha", 50), Gate(other, "osha", 50)]
    passed: list[float] = []

    async def worker(gate: Gate) -> None:
        for _ in range(5):
            await gate.turn()
            passed.append(time.monotonic())

    started = time.monotonic()
    await asyncio.gather(*(worker(gate) for gate in gates))
    await other.aclose()
    assert time.monotonic() - started >= 9 * 0.02 - 0.005
    assert sorted(passed) == passed and len(list(pairwise(passed))) == 9


async def test_sources_do_not_hold_up_each_other(redis: Client) -> None:
    await Gate(redis, "osha", 0.1).turn()
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    await Gate(redis, "edgar", 0.1, sleep=sleep).turn()
    assert waited == []
    await Gate(redis, "osha", 0.1, sleep=sleep).turn()
    assert waited == [pytest.approx(10, abs=1)]


async def test_what_a_source_asks_for_quiets_all_of_its_workers(redis: Client) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    await Gate(redis, "osha", None).hush(20)
    await Gate(redis, "osha", None, sleep=sleep).turn()
    assert waited == [pytest.approx(20, abs=1)]


async def test_a_shorter_hush_does_not_end_a_longer_one(redis: Client) -> None:
    gate = Gate(redis, "osha", None, longest_s=5)
    await gate.hush(3000)
    await gate.hush(1)
    with pytest.raises(SourceUnavailable, match="asked for quiet") as failure:
        await gate.turn()
    assert failure.value.retry_after == pytest.approx(3000, abs=2)


async def test_who_waits_too_long_takes_no_turn(redis: Client) -> None:
    gate = Gate(redis, "osha", 0.1, longest_s=5)
    await gate.turn()
    for _ in range(3):
        with pytest.raises(SourceUnavailable) as failure:
            await gate.turn()
        assert failure.value.retry_after == pytest.approx(10, abs=1)


async def test_without_redis_nothing_goes_out() -> None:
    away = connect(NOBODY)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    clock = iter(range(100))
    gate = Gate(away, "osha", None, redis_s=3, clock=lambda: next(clock), sleep=sleep)
    with pytest.raises(RedisAway):
        await gate.turn()
    assert waits == [0.5, 0.5]
    await away.aclose()


async def test_a_redis_that_comes_back_is_enough(redis: Client) -> None:
    away = connect(NOBODY)
    gate = Gate(away, "osha", None)

    async def comes_back(_: float) -> None:
        gate.redis = redis

    gate.sleep = comes_back
    await gate.turn()
    await away.aclose()


async def test_answers_are_kept_for_a_bounded_time(redis: Client) -> None:
    answers = Answers(redis, fresh_s=100, kept_s=1000)
    await answers.put("a", Answer(b'{"x": 1}', 5.0))
    await answers.put("b", Answer(b"", 5.0, etag='"v1"'))
    assert await answers.get("a") == Answer(b'{"x": 1}', 5.0)
    assert await answers.get("b") == Answer(b"", 5.0, etag='"v1"')
    assert 0 < await redis.ttl("ucc:answer:a") <= 100 < await redis.ttl("ucc:answer:b") <= 1000


async def test_without_redis_an_answer_is_only_lost() -> None:
    away = connect(NOBODY)
    answers = Answers(away)
    await answers.put("a", Answer(b"1", 5.0))
    assert await answers.get("a") is None
    await away.aclose()


async def test_what_is_no_answer_in_redis_is_none(redis: Client) -> None:
    await redis.set("ucc:answer:a", b"garbage\nmore")
    assert await Answers(redis).get("a") is None
