"""kill -9 of each part while jobs run: every effect happens once, every message arrives."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack.config import REPO
from tests.support.stack import TestStack, psql

WORKER = "tests.integration.jobs.worker_process"
JOBS = 120
ENVIRONMENT = {"LEASE_S": "4", "HEARTBEAT_S": "1", "SWEEP_S": "1", "LOG_LEVEL": "INFO"}
pytestmark = pytest.mark.slow


class Scene:
    """A stack of its own with relay and scheduler, and a worker process that may be killed."""

    def __init__(self, stack: TestStack) -> None:
        self.stack = stack
        self.worker: subprocess.Popen[bytes] | None = None
        self.said = self.first = 0

    def sql(self, text: str, seconds: float = 10) -> str:
        """Run SQL directly on PostgreSQL, again and again while it is away."""
        end = time.monotonic() + seconds
        while True:
            try:
                return psql(self.stack.environment()["DATABASE_DIRECT_URL"], text)
            except AssertionError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def start_worker(self) -> None:
        env = {**os.environ, **self.stack.environment(), **ENVIRONMENT, "PORT": "0"}
        log = (self.stack.folder / "logs" / "test-worker.log").open("ab")
        with log:
            argv = [sys.executable, "-m", WORKER]
            self.worker = subprocess.Popen(argv, cwd=REPO, env=env, stdout=log)

    def kill_worker(self, sign: signal.Signals = signal.SIGKILL) -> int:
        assert self.worker
        self.worker.send_signal(sign)
        return self.worker.wait(30)

    def until(self, text: str, expected: str, seconds: float = 60) -> None:
        """Return when the SQL prints `expected`."""
        end = time.monotonic() + seconds
        while (found := self.sql(text)) != expected:
            assert time.monotonic() < end, f"{text}: {found!r}, not {expected!r}"
            time.sleep(0.1)

    def begin(self) -> None:
        """Ask for a parent of JOBS jobs, and wait until some of them are done."""
        self.sql("TRUNCATE jobs, outbox, effects, heard CASCADE")
        self.sql(
            "INSERT INTO jobs (kind, queue, args, max_attempts)"
            f" VALUES ('parent', 'scoring', '{{\"n\": {JOBS}}}', 20)"
        )
        self.until("SELECT count(*) > 10 FROM effects", "t")
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
        assert self.sql("SELECT result->>'written' FROM jobs WHERE kind = 'parent'") == str(JOBS)
        counts = "SELECT count(*), count(DISTINCT job_id) FROM effects"
        assert self.sql(counts) == f"{JOBS}|{JOBS}"


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with TestStack(["relay", "scheduler"], env=ENVIRONMENT, durable=True) as stack:
        made = Scene(stack)
        made.sql("CREATE TABLE effects (job_id bigint); CREATE TABLE heard (n int)")
        made.start_worker()
        yield made
        assert made.kill_worker(signal.SIGTERM) == 0


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
        kill("relay"),
        kill("scheduler"),
    ],
    ids=["worker", "kafka", "pgbouncer", "postgres", "relay", "scheduler"],
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
