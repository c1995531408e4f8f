"""Quieter libraries, and loops that tell when they stand still."""

import logging
from dataclasses import dataclass
from time import monotonic

import pytest

from services.common.errors import Unavailable
from services.common.kafka.process import STALE_S, Throttle, turning


def record(name: str, message: str = "cannot reach %s") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "f", 1, message, ("x",), None)


def test_kafka_libraries_say_the_same_once() -> None:
    throttle = Throttle()
    assert throttle.filter(record("aiokafka.conn"))
    assert not throttle.filter(record("aiokafka.conn"))
    assert throttle.filter(record("aiokafka.conn", "something else"))


def test_our_own_words_all_pass() -> None:
    throttle = Throttle()
    assert all(throttle.filter(record("services.jobs.relay")) for _ in range(3))


@dataclass
class Loop:
    ticked: float


async def test_a_loop_that_turns_is_live() -> None:
    await turning(Loop(monotonic()))()


async def test_a_loop_that_stands_still_is_not() -> None:
    with pytest.raises(Unavailable, match="has not turned"):
        await turning(Loop(monotonic() - STALE_S - 1))()
