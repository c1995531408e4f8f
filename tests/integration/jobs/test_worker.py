"""A whole worker, Faust and all: prompt permits, changes in batches, poison, an orderly end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

import orjson
import pytest

from services.common.db import Database
from services.common.jobs import Done, JobContext, Outcome, enqueue, enqueue_many, publish
from services.common.kafka.consumer import Consumer
from services.common.kafka.topics import PROSPECTS_CHANGED
from services.common.kafka.worker import (
    ChangeContext,
    ChangeStep,
    QueueSpec,
    Worker,
    WorkerSettings,
)
from services.jobs import store_steering
from services.jobs.models_steering import DeadQuery
from services.jobs.relay import relay
from services.jobs.settings import RelaySettings
from tests.integration.jobs.kafka import write
from tests.integration.jobs.support import QUEUE, done, job, row, states, until_state
from tests.support.waiting import PATIENCE_S, until


class Seen:
    """A change step that keeps what it got; `bad` messages make it fail."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.began = asyncio.Event()

    @property
    def numbers(self) -> list[Any]:
        return [n for batch in self.batches for n in batch]

    async def step(self, _ctx: ChangeContext, messages: list[dict[str, Any]]) -> None:
        if any(message.get("bad") for message in messages):
            raise ValueError("poison")
        self.began.set()
        await self.hold.wait()
        self.batches.append([message["n"] for message in messages])

    async def until(self, numbers: list[Any]) -> None:
        await until(lambda: asyncio.sleep(0, sorted(self.numbers) == numbers))


@pytest.fixture
def seen() -> Seen:
    return Seen()


@asynccontextmanager
async def working(
    settings: WorkerSettings, seen: Seen, handlers: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[asyncio.Event]:
    """A worker in this loop, connected to Kafka; the event stops it."""
    stopping = asyncio.Event()
    connected: list[Consumer] = []
    init = Consumer.__init__

    def remember(self: Consumer, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        connected.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Consumer, "__init__", remember)
        worker = Worker(
            settings,
            "scoring",
            {QUEUE: QueueSpec(handlers or {"work": done}, 4)},
            {PROSPECTS_CHANGED: ChangeStep(seen.step, batch=10, within=0.2)},
            **options,
        )
        task = asyncio.create_task(worker.run(stopping))
        try:
            await until(lambda: asyncio.sleep(0, bool(connected) and connected[0].connected))
            yield stopping
        finally:
            stopping.set()
            await asyncio.wait_for(task, PATIENCE_S)


@asynccontextmanager
async def relaying(settings: RelaySettings) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(relay(settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        await task


async def test_a_permit_starts_a_job_well_within_a_second(
    db: Database, worker_settings: WorkerSettings, relay_settings: RelaySettings, seen: Seen
) -> None:
    settings = worker_settings.model_copy(update={"poll_s": 3600})
    async with relaying(relay_settings), working(settings, seen):
        waits = []
        for _ in range(5):
            started = monotonic()
            await until_state(db, await enqueue(db, job()), "succeeded")
            waits.append(monotonic() - started)
    assert min(waits) < 0.5  # the others tell how busy the machine is


async def test_without_a_relay_the_poll_finds_the_work(
    db: Database, worker_settings: WorkerSettings, seen: Seen
) -> None:
    async with working(worker_settings, seen):
        await until_state(db, await enqueue(db, job()), "succeeded")


async def test_changes_come_in_batches_through_the_outbox(
    db: Database, worker_settings: WorkerSettings, relay_settings: RelaySettings, seen: Seen
) -> None:
    async with relaying(relay_settings), working(worker_settings, seen):
        await publish(db, PROSPECTS_CHANGED, [{"n": n} for n in range(25)])
        await seen.until(list(range(25)))
    assert max(map(len, seen.batches)) <= 10


async def test_poison_does_not_stop_the_agent(worker_settings: WorkerSettings, seen: Seen) -> None:
    topic = worker_settings.topic_prefix + PROSPECTS_CHANGED
    poison = [b"{", None, b"[]", b'{"bad": true}', b"\xff"]
    async with working(worker_settings, seen):
        await write(worker_settings.kafka_brokers, topic, [b'{"n": 1}', *poison, b'{"n": 2}'])
        await seen.until([1, 2])
        await write(worker_settings.kafka_brokers, topic, [b'{"n": 3}'])
        await seen.until([1, 2, 3])


async def test_what_no_step_can_take_is_a_dead_job_that_can_be_corrected_and_replayed(
    db: Database, worker_settings: WorkerSettings, seen: Seen
) -> None:
    topic = worker_settings.topic_prefix + PROSPECTS_CHANGED
    async with working(worker_settings, seen):
        await write(worker_settings.kafka_brokers, topic, [b"{", b'{"bad": true}', b'{"n": 1}'])
        await seen.until([1])
        groups = (await store_steering.dead(db, DeadQuery())).dead
        assert {each.kind for each in groups} == {f"message.{PROSPECTS_CHANGED}"}
        by_class = {each.error_class: each for each in groups}
        assert by_class.keys() == {"PoisonMessage", "ValueError"}
        bad = await row(db, by_class["ValueError"].last_id)
        assert (bad["args"], bad["queue"]) == ({"message": {"bad": True}}, QUEUE)
        again = await store_steering.replay(db, bad["id"], {"message": {"n": 2}})
        await until_state(db, again.id, "succeeded")
        poison = await store_steering.replay(db, by_class["PoisonMessage"].last_id, None)
        assert (await until_state(db, poison.id, "dead"))["error"]["class"] == "BadRequest"
    assert seen.numbers == [1, 2]


async def test_a_batch_in_hand_ends_and_the_next_worker_goes_on_after_it(
    worker_settings: WorkerSettings, seen: Seen
) -> None:
    topic = worker_settings.topic_prefix + PROSPECTS_CHANGED
    numbers = [orjson.dumps({"n": n}) for n in range(30)]
    seen.hold.clear()
    async with working(worker_settings, seen) as stopping:
        await write(worker_settings.kafka_brokers, topic, numbers)
        await until(lambda: asyncio.sleep(0, seen.began.is_set()))
        stopping.set()
        await asyncio.sleep(0.2)
        assert seen.batches == []
        seen.hold.set()
    first = seen.numbers
    assert first == list(range(len(first))) and 0 < len(first) < 30
    async with working(worker_settings, seen):
        await seen.until(list(range(30)))


async def test_stopping_gives_long_jobs_back(
    db: Database, worker_settings: WorkerSettings, seen: Seen
) -> None:
    async def handler(ctx: JobContext, args: dict[str, Any]) -> Outcome:
        await (ctx.stopping.wait() if args["short"] else asyncio.sleep(3600))
        return Done({})

    settings = worker_settings.model_copy(update={"drain_s": 3})
    short, long = await enqueue_many(db, [job(args={"short": short}) for short in (True, False)])
    async with working(settings, seen, {"work": handler}):
        await until_state(db, short, "running")
        await until_state(db, long, "running")
    assert (await row(db, short))["state"] == "succeeded"
    assert await states(db) == {"succeeded": 1, "queued": 1}


async def test_startup_makes_the_state_and_its_stack_is_closed(
    db: Database, worker_settings: WorkerSettings, seen: Seen
) -> None:
    closed = asyncio.Event()

    async def startup(_db: Database, stack: AsyncExitStack) -> str:
        stack.callback(closed.set)
        return "state"

    async def handler(ctx: JobContext, _args: dict[str, Any]) -> Outcome:
        return Done({"state": ctx.state})

    async with working(worker_settings, seen, {"work": handler}, startup=startup):
        stored = await until_state(db, await enqueue(db, job()), "succeeded")
        assert stored["result"] == {"state": "state"}
    assert closed.is_set()


async def test_a_faust_app_that_dies_is_replaced(
    worker_settings: WorkerSettings, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps: list[Any] = []
    build = Consumer._app

    def remember(self: Consumer, folder: str) -> Any:
        apps.append(build(self, folder))
        return apps[-1]

    monkeypatch.setattr(Consumer, "_app", remember)
    topic = worker_settings.topic_prefix + PROSPECTS_CHANGED
    async with working(worker_settings, seen):
        await write(worker_settings.kafka_brokers, topic, [b'{"n": 1}'])
        await seen.until([1])
        await apps[0].crash(RuntimeError("as after a lost broker"))
        await write(worker_settings.kafka_brokers, topic, [b'{"n": 2}'])
        await until(lambda: asyncio.sleep(0, 2 in seen.numbers))
    assert len(apps) == 2


async def test_a_named_worker_keeps_its_place_over_a_restart(
    worker_settings: WorkerSettings, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps: list[Any] = []
    build = Consumer._app

    def remember(self: Consumer, folder: str) -> Any:
        apps.append(build(self, folder))
        return apps[-1]

    monkeypatch.setattr(Consumer, "_app", remember)
    settings = worker_settings.model_copy(update={"kafka_instance_id": "scoring-0"})
    topic = worker_settings.topic_prefix + PROSPECTS_CHANGED
    generations = []
    for n in (1, 2):
        async with working(settings, seen):
            await write(worker_settings.kafka_brokers, topic, [orjson.dumps({"n": n})])
            await seen.until(list(range(1, n + 1)))
            coordinator = apps[-1].consumer._thread._consumer._coordinator
            generations.append(coordinator.generation)
    assert generations[0] == generations[1] > 0
