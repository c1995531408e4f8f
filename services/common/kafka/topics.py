"""Topics of the platform, and how they come to exist before a worker starts.

`jobs.<queue>` carries permits (wake-ups), the change topics carry what changed. A Faust worker
that starts before its topic exists never gets its partitions: hence `create` and `present`.
Run `python -m services.common.kafka.topics create`.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from time import monotonic

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from services.common.config import load
from services.common.errors import Unavailable
from services.common.jobs import QUEUES
from services.common.kafka.settings import KafkaSettings

PROSPECTS_CHANGED = "prospects.changed"
SIGNALS_CHANGED = "signals.changed"
TOPICS = (*(f"jobs.{queue}" for queue in QUEUES), PROSPECTS_CHANGED, SIGNALS_CHANGED)
PARTITIONS = 4


def permits(queue: str) -> str:
    """Topic of the permits of `queue`."""
    return f"jobs.{queue}"


@asynccontextmanager
async def _admin(brokers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=brokers, request_timeout_ms=5000)
    try:
        await client.start()
        yield client
    except (KafkaError, OSError) as exc:
        raise Unavailable(f"Kafka at {brokers} does not answer: {exc!r}", retry_after=1) from exc
    finally:
        with suppress(KafkaError, OSError):
            await client.close()


async def present(brokers: str, topics: Collection[str]) -> bool:
    """Whether all `topics` exist. Raises Unavailable without a broker."""
    async with _admin(brokers) as admin:
        return set(topics) <= set(await admin.list_topics())


async def create(settings: KafkaSettings) -> list[str]:
    """Create the topics that are missing; returns the names. Raises Unavailable, KafkaError."""
    async with _admin(settings.kafka_brokers) as admin:
        wanted = [settings.topic_prefix + topic for topic in TOPICS]
        missing = sorted(set(wanted) - set(await admin.list_topics()))
        replicas = settings.topic_replicas
        new = [NewTopic(name, PARTITIONS, replicas) for name in missing]
        answer = await admin.create_topics(new) if new else None
        for name, code, *_ in answer.topic_errors if answer else ():
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise Unavailable(f"Kafka refused the topic {name}: {for_code(code).__name__}")
        return missing


async def create_patiently(settings: KafkaSettings) -> list[str]:
    """`create`, waiting `kafka_wait_s` for the broker. Raises Unavailable after that."""
    deadline = monotonic() + settings.kafka_wait_s
    while True:
        try:
            return await create(settings)
        except Unavailable:
            if monotonic() >= deadline:
                raise
            await asyncio.sleep(0.5)


def main(arguments: list[str]) -> int:
    """`create`: 0 when all topics exist."""
    if arguments != ["create"]:
        print("usage: python -m services.common.kafka.topics create", file=sys.stderr)  # noqa: T201
        return 2
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        missing = asyncio.run(create_patiently(load(KafkaSettings)))
    except Unavailable as exc:
        print(f"{exc.detail}; start the broker and repeat.", file=sys.stderr)  # noqa: T201
        return 1
    print(f"topics created: {', '.join(missing) or 'none, all were there'}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
