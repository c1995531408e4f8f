"""The relay on real PostgreSQL and Kafka: prompt permits, and an outbox that loses nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.common.db import Database
from services.common.errors import Unavailable
from services.common.jobs import enqueue, enqueue_many, publish
from services.common.kafka.topics import PROSPECTS_CHANGED, permits
from services.jobs.publisher import Publisher, Record
from services.jobs.relay import Relay, relay
from services.jobs.settings import RelaySettings
from tests.integration.jobs.kafka import read, read_all
from tests.integration.jobs.support import QUEUE, job, sql
from tests.support.waiting import until

NEVER_S = 3600.0
"""What comes at once does so because of a notification, not of a look by itself."""


@asynccontextmanager
async def running(settings: RelaySettings) -> AsyncIterator[None]:
    """A whole relay process, but for the process."""
    stopping = asyncio.Event()
    task = asyncio.create_task(relay(settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def unsent(db: Database) -> int:
    return int((await sql(db, "SELECT count(*) AS n FROM outbox"))[0]["n"])


async def sent(db: Database) -> bool:
    return await unsent(db) == 0


async def test_a_job_becomes_a_permit_at_once(db: Database, relay_settings: RelaySettings) -> None:
    settings = relay_settings.model_copy(update={"relay_poll_s": NEVER_S})
    topic = settings.topic_prefix + permits(QUEUE)
    async with running(settings):
        await enqueue(db, job())
        assert await read(settings.kafka_brokers, topic, 1) == [(None, {"queue": QUEUE})]
        await enqueue(db, job())
        await read(settings.kafka_brokers, topic, 3)  # two jobs wait now: two permits


async def test_many_jobs_are_few_permits(
    direct: Database, publisher: Publisher, relay_settings: RelaySettings
) -> None:
    await enqueue_many(direct, [job() for _ in range(500)])
    await Relay(relay_settings, direct, publisher).send_permits()
    topic = relay_settings.topic_prefix + permits(QUEUE)
    assert len(await read_all(relay_settings.kafka_brokers, topic)) == 4


async def test_a_job_that_is_not_due_is_no_permit(
    direct: Database, publisher: Publisher, relay_settings: RelaySettings
) -> None:
    await enqueue(direct, job())
    await sql(direct, "UPDATE jobs SET run_at = now() + interval '1 hour'")
    await Relay(relay_settings, direct, publisher).send_permits()
    topic = relay_settings.topic_prefix + permits(QUEUE)
    assert await read_all(relay_settings.kafka_brokers, topic) == []


async def test_the_outbox_is_sent_in_order_and_emptied(
    db: Database, relay_settings: RelaySettings
) -> None:
    async with running(relay_settings):
        await publish(db, PROSPECTS_CHANGED, [{"n": n} for n in range(1200)], key="k")
        await until(lambda: sent(db))
    topic = relay_settings.topic_prefix + PROSPECTS_CHANGED
    found = await read(relay_settings.kafka_brokers, topic, 1200)
    assert found == [(b"k", {"n": n}) for n in range(1200)]


async def test_two_relays_lose_nothing(db: Database, relay_settings: RelaySettings) -> None:
    async with running(relay_settings), running(relay_settings):
        for start in range(0, 2000, 50):
            await publish(db, PROSPECTS_CHANGED, [{"n": start + n} for n in range(50)])
        await until(lambda: sent(db))
    topic = relay_settings.topic_prefix + PROSPECTS_CHANGED
    found = await read(relay_settings.kafka_brokers, topic, 2000)
    assert sorted(value["n"] for _, value in found) == list(range(2000))


class Failing(Publisher):
    """Kafka is away for the first two calls."""

    calls = 0

    async def send(self, records: Sequence[Record]) -> None:
        """As Publisher.send."""
        Failing.calls += 1
        if Failing.calls <= 2:
            raise Unavailable("no broker")
        await super().send(records)


async def test_what_kafka_did_not_take_stays(
    direct: Database, relay_settings: RelaySettings
) -> None:
    publisher = Failing(relay_settings.kafka_brokers, relay_settings.topic_prefix)
    work = Relay(relay_settings.model_copy(update={"relay_poll_s": 0.05}), direct, publisher)
    await publish(direct, PROSPECTS_CHANGED, [{"n": 1}])
    loop = asyncio.create_task(work.outbox.run())
    await until(lambda: asyncio.sleep(0, Failing.calls >= 1))
    assert await unsent(direct) == 1
    await until(lambda: sent(direct))
    loop.cancel()
    await publisher.close()
    topic = relay_settings.topic_prefix + PROSPECTS_CHANGED
    assert len(await read_all(relay_settings.kafka_brokers, topic)) == 1


async def test_a_message_that_no_broker_takes_holds_up_no_other(
    direct: Database, publisher: Publisher, relay_settings: RelaySettings
) -> None:
    await publish(direct, PROSPECTS_CHANGED, [{"big": "x" * 2_000_000}, {"n": 1}])
    await Relay(relay_settings, direct, publisher).send_outbox()
    topic = relay_settings.topic_prefix + PROSPECTS_CHANGED
    assert await read(relay_settings.kafka_brokers, topic, 1) == [(None, {"n": 1})]
    assert await unsent(direct) == 0


async def test_a_message_for_no_topic_of_ours_waits_alone(
    direct: Database, publisher: Publisher, relay_settings: RelaySettings
) -> None:
    await publish(direct, "nonsense", [{"n": 1}])
    await publish(direct, PROSPECTS_CHANGED, [{"n": 2}])
    await Relay(relay_settings, direct, publisher).send_outbox()
    assert await sql(direct, "SELECT topic FROM outbox") == [{"topic": "nonsense"}]


async def test_a_lost_connection_is_replaced(db: Database, relay_settings: RelaySettings) -> None:
    settings = relay_settings.model_copy(update={"relay_poll_s": 0.5})
    async with running(settings):
        await publish(db, PROSPECTS_CHANGED, [{"n": 1}])
        await until(lambda: sent(db))
        await sql(
            db,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        await publish(db, PROSPECTS_CHANGED, [{"n": 2}])
        await until(lambda: sent(db))
