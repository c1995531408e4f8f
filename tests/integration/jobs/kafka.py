"""Reading and writing topics from a test."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def read(brokers: str, topic: str, count: int, seconds: float = 10) -> list[tuple[Any, Any]]:
    """Key and value of the first `count` messages, or of those that came within `seconds`."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=brokers, auto_offset_reset="earliest")
    await consumer.start()
    found: list[tuple[Any, Any]] = []
    try:
        async with asyncio.timeout(seconds):
            while len(found) < count:
                message = await consumer.getone()
                found.append((message.key, orjson.loads(message.value)))
    except TimeoutError:
        pass
    finally:
        await consumer.stop()
    return found


async def write(brokers: str, topic: str, values: Sequence[bytes | None]) -> None:
    """Send values in order, to one partition."""
    producer = AIOKafkaProducer(bootstrap_servers=brokers)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", partition=0)
    finally:
        await producer.stop()
