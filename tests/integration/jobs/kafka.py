"""Reading and writing topics from a test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from tests.support.waiting import PATIENCE_S


async def read(brokers: str, topic: str, count: int) -> list[tuple[Any, Any]]:
    """Key and value of the first `count` messages, waited for."""
    async with reading(brokers, topic) as consumer, asyncio.timeout(PATIENCE_S):
        return [_told(await consumer.getone()) for _ in range(count)]


async def read_all(brokers: str, topic: str) -> list[tuple[Any, Any]]:
    """Key and value of every message that is there now."""
    found = []
    async with reading(brokers, topic) as consumer, asyncio.timeout(PATIENCE_S):
        for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
            while await consumer.position(partition) < end:
                found.append(_told(await consumer.getone(partition)))
    return found


@asynccontextmanager
async def reading(brokers: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer from the first message on."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


def _told(message: ConsumerRecord) -> tuple[Any, Any]:
    return message.key, orjson.loads(message.value)


async def write(brokers: str, topic: str, values: Sequence[bytes | None]) -> None:
    """Send values in order, to one partition."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", partition=0)
    finally:
        await producer.stop()
