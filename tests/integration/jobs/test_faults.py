"""kill -9 of each part while jobs run: every effect happens once, every message arrives.

So it is while workers join and leave, and with two relays and two schedulers at work.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.common.kafka.topics import PROSPECTS_CHANGED
from tests.integration.jobs.kafka import read_all
from tests.stack.config import REPO
from tests.support.stack import TestStack, psql

WORKER = "tests.integration.jobs.worker_process"
JOBS = 120
PLACES = 4
ENVIRONMENT = {
    "LEASE_S": "5", "HEARTBEAT_S": "1", "SWEEP_S": "1", "SCHEDULE_S": "0.2", "LOG_LEVEL": "INFO",
}  # fmt: skip
pytestmark = pytest.mark.slow


class Scene:
    """A stack of its own with relay and scheduler, and worker processes that may be killed."""

    def __init__(self, stack: TestStack) -> None:
        self.stack = stack
        self.workers: list[subprocess.Popen[bytes]] = []
        self.said = self.first = 0
        self.jobs = JOBS

    def sql(self, text: str, seconds: float = 60) -> str:
        """Run SQL directly on PostgreSQL, again and again while it is away."""
        end = time.monotonic() + seconds
        while True:
            try:
                return psql(self.stack.environment()["DATABASE_DIRECT_URL"], text)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def start(self, module: str) -> subprocess.Popen[bytes]:
        """A process of ours beside those of the stack."""
        env = {**os.environ, **self.stack.environment(), **ENVIRONMENT, "PORT": "0"}
        log = self.stack.folder / "logs" / f"test-{module.replace(' ', '-')}.log"
        with log.open("ab") as out:
            argv = [sys.executable, "-m", *module.split()]
            return subprocess.Popen(argv, cwd=REPO, env=env, stdout=out, stderr=out)

    def start_worker(self) -> None:
        self.workers.append(self.start(WORKER))

    def kill_worker(self, sign: signal.Signals = signal.SIGKILL) -> int:
        """End the worker that was started first."""
        oldest = self.workers.pop(0)
        oldest.send_signal(sign)
        return oldest.wait(30)

    def until(self, text: str, expected: str, seconds: float = 120) -> None:
        """Return when the SQL prints `expected`."""
        end = time.monotonic() + seconds
        while (found := self.sql(text)) != expected:
            assert time.monotonic() < end, f"{text}: {found!r}, not {expected!r}"
            time.sleep(0.1)

    def begin(self, jobs: int = JOBS) -> None:
        """Ask for a parent of so many jobs, and wait until some of them are done."""
        self.ask_for(jobs)
        self.until("SELECT count(*) > 10 FROM effects", "t")

    def ask_for(self, jobs: int) -> None:
        """Ask for a parent of so many jobs, in a ledger that is empty."""
        self.jobs = jobs
        self.sql("TRUNCATE jobs, outbox, effects, heard CASCADE")
        self.sql(
            "INSERT INTO jobs (kind, queue, args, max_attempts)"
            f" VALUES ('parent', 'scoring', '{{\"n\": {jobs}}}', 20)"
        )
        self.first = self.said

    def say(self, number: int) -> None:
        """Publish so many messages, each with a number of its own."""
        first, self.said = self.said, self.said + number
        self.sql(
            "INSERT INTO outbox (topic, payload) SELECT 'prospects.changed',"
            f" jsonb_build_object('n', n) FROM generate_series({first}, {self.said - 1}) AS n"
        )

    def check_messages(self) -> None:
        """All messages since `begin` were heard; older ones may come again."""
        heard = f"SELECT count(DISTINCT n) FROM heard WHERE n >= {self.first}"
        self.until(heard, str(self.said - self.first))
        self.until("SELECT count(*) FROM outbox", "0")

    def check(self) -> None:
        """All jobs succeeded, each with exactly one effect."""
        self.until("SELECT state FROM jobs WHERE kind = 'parent'", "succeeded")
        assert self.sql("SELECT DISTINCT state FROM jobs") == "succeeded"
        assert self.sql("SELECT result->>'written' FROM jobs WHERE kind = 'parent'") == str(
            self.jobs
        )
        counts = "SELECT count(*), count(DISTINCT job_id) FROM effects"
        assert self.sql(counts) == f"{self.jobs}|{self.jobs}"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with TestStack(["relay", "scheduler", "redis"], env=ENVIRONMENT, durable=True) as stack:
        made = Scene(stack)
        made.sql("CREATE TABLE effects (job_id bigint, kind text); CREATE TABLE heard (n int)")
        made.start_worker()
        yield made
        assert not any([made.kill_worker(signal.SIGTERM) for _ in list(made.workers)])


def kill_worker(scene: Scene) -> None:
    scene.kill_worker()
    scene.start_worker()


def kill(name: str) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        scene.stack.kill(name)
        scene.stack.wait_ready(name)

    return act


@pytest.mark.parametrize(
    "fault",
    [
        kill_worker,
        kill("kafka"),
        kill("pgbouncer"),
        kill("postgres"),
        kill("redis"),
        kill("relay"),
        kill("scheduler"),
    ],
    ids=["worker", "kafka", "pgbouncer", "postgres", "redis", "relay", "scheduler"],
)
def test_every_effect_happens_once(scene: Scene, fault: Callable[[Scene], None]) -> None:
    scene.begin()
    scene.say(50)
    fault(scene)
    scene.say(50)
    scene.check()
    scene.check_messages()


def test_work_begins_and_goes_on_while_kafka_is_away(scene: Scene) -> None:
    scene.stack.hold("kafka")
    try:
        kill_worker(scene)
        scene.begin()
        scene.say(10)
        scene.check()
        assert scene.sql("SELECT count(*) FROM outbox") == "10"
    finally:
        scene.stack.release()
    scene.check_messages()


def test_a_worker_that_is_told_to_stop_gives_its_jobs_back(scene: Scene) -> None:
    scene.begin()
    assert scene.kill_worker(signal.SIGTERM) == 0
    assert (
        scene.sql("SELECT count(*) FROM jobs WHERE state = 'running' AND NOT awaiting_children")
        == "0"
    )
    scene.start_worker()
    scene.check()
    assert scene.sql("SELECT max(attempt) FROM jobs") == "1"


def test_without_redis_no_source_is_asked(scene: Scene) -> None:
    scene.stack.hold("redis")
    try:
        scene.ask_for(JOBS)
        asking = "SELECT count(*) FROM jobs WHERE state = 'running' AND kind = 'ask'"
        scene.until(asking, str(PLACES))
        assert scene.sql("SELECT DISTINCT kind FROM effects") == "work"
    finally:
        scene.stack.release()
    scene.check()


def test_workers_join_and_leave_under_load(scene: Scene) -> None:
    scene.begin(4 * JOBS)
    for leave in (signal.SIGTERM, signal.SIGKILL):
        scene.say(30)
        scene.start_worker()
        time.sleep(1.5)
        scene.say(30)
        scene.kill_worker(leave)
    scene.say(30)
    scene.check()
    scene.check_messages()


@contextmanager
def beside(scene: Scene, module: str) -> Iterator[subprocess.Popen[bytes]]:
    """One more of a process while the block runs."""
    running = scene.start(module)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
            assert running.wait(30) == 0


def sent_once(scene: Scene, number: int) -> bool:
    """Whether Kafka has so many messages since `begin`, and each once."""
    brokers = scene.stack.environment()["KAFKA_BROKERS"]
    messages = asyncio.run(read_all(brokers, PROSPECTS_CHANGED))
    sent = Counter(value["n"] for _, value in messages if value["n"] >= scene.first)
    return (len(sent), set(sent.values())) == (number, {1})


def test_two_relays_share_the_work_and_one_goes_on_alone(scene: Scene) -> None:
    with beside(scene, "services.jobs relay") as second:
        time.sleep(2)
        scene.begin()
        for _ in range(10):
            scene.say(20)
        scene.check_messages()
        assert sent_once(scene, 200)
        second.kill()
        second.wait()
        scene.say(50)
        scene.check()
        scene.check_messages()


SCHEDULES = """
INSERT INTO schedules (name, kind, queue, cron, missed_policy, next_run_at)
SELECT 'test.' || n, 'work', 'scoring', '*/10 * * * *', 'run_all',
       to_timestamp(floor(extract(epoch FROM now()) / 600) * 600) - interval '20 minutes'
FROM generate_series({first}, {first} + 9) AS n
"""
RAN_TWICE = """
SELECT count(*) FROM (
    SELECT FROM schedule_runs WHERE schedule LIKE 'test.%'
    GROUP BY schedule, due_at HAVING count(*) > 1
) AS twice
"""


def test_two_schedulers_start_each_run_once_and_one_goes_on_alone(scene: Scene) -> None:
    scene.sql("TRUNCATE jobs, outbox, effects, heard, schedule_runs CASCADE")
    with beside(scene, "services.jobs scheduler") as second:
        for turn in range(6):
            scene.sql(SCHEDULES.format(first=turn * 10))
            time.sleep(0.4)
            if turn == 3:
                second.kill()
                second.wait()
    due = "SELECT count(*) FROM schedules WHERE name LIKE 'test.%' AND next_run_at <= now()"
    scene.until(due, "0")
    scene.sql("UPDATE schedules SET enabled = false WHERE name LIKE 'test.%'")
    scene.until("SELECT count(*) FROM jobs WHERE state <> 'succeeded'", "0")
    runs = scene.sql("SELECT count(*) FROM schedule_runs WHERE schedule LIKE 'test.%'")
    assert int(runs) >= 60 * 3
    assert scene.sql(RAN_TWICE) == "0"
    assert scene.sql("SELECT count(*), count(DISTINCT job_id) FROM effects") == f"{runs}|{runs}"
    scene.sql("DELETE FROM schedules WHERE name LIKE 'test.%'")
