"""A stack that a test has to itself: other ports, a throw-away folder, processes it may kill.

`tests/conftest.py` makes the fixtures of it; fault tests make one directly:

    with TestStack(parts=["ingestion", "relay", "jobs"], env={"SOURCE_SAMPLE_RATE": "50"}) as stack:
        stack.kill("pgbouncer")
        stack.wait_ready("pgbouncer")
"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.stack import commands, control, install, programs
from tests.stack.config import DATABASE, PORTS, REPO, ROLE, Config, Tuning
from tests.stack.control import State
from tests.stack.errors import StackError
from tests.stack.proc import Identity, identify, wait_gone
from tests.stack.ready import probe
from tests.stack.table import INFRASTRUCTURE

READY_S = 60.0
STEP = 200
"""No two default ports differ by 100 more or less than a multiple of this."""


def free_base() -> int:
    """A number such that default port + it is free for every process, below the ephemeral ports.

    Test processes side by side (pytest-xdist) take bases whose ports can never be the same.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for _ in range(200):
        base = random.randrange(10_000, 23_000, STEP) + worker % 2 * STEP // 2
        if all(_free(base + port) for port in PORTS.values()):
            return base
    raise StackError("no free range of ports was found: stop some of the stacks on this machine.")


def _free(port: int) -> bool:
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class TestStack:
    """Processes named by `parts` (see tests/stack/table.py) and all that they need.

    `env` reaches every process of ours, as a caller's environment of `make up` would.
    `durable=False` switches fsync off: right unless the machine itself is to crash. `ports` moves
    single processes. PostgreSQL listens at `address` too, for the network `guests`.
    """

    __test__: ClassVar[bool] = False

    def __init__(
        self,
        parts: Sequence[str] = INFRASTRUCTURE,
        *,
        env: Mapping[str, str] | None = None,
        ports: Mapping[str, int] | None = None,
        folder: Path | None = None,
        durable: bool = False,
        address: str = "",
        guests: str = "",
    ) -> None:
        self.parts = list(parts)
        self._given = folder
        self.folder = folder or Path(tempfile.mkdtemp(prefix="ucc-intel-test-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        base = free_base()
        coverage = {n: v for n, v in os.environ.items() if n.startswith("COVERAGE_")}
        # a test that is to be limited says so
        passed = {"RATE_LIMIT_MAX": "0"} | coverage | dict(env or {})
        self.config = Config(
            self.folder,
            {name: base + port for name, port in PORTS.items()} | dict(ports or {}),
            passed,
            Tuning(durable=durable, min_pool_size=0, address=address, guests=guests),
        )

    def start(self) -> Self:
        """Start, or bring what runs into line with `parts`; returns when all are ready."""
        install.packages()
        install.kafka_jars()
        self.config.claim_folder()
        specs = commands.choose(commands.prepare(self.config), self.parts)
        control.start(self.config, specs, lambda _: None, identify(os.getpid()))
        return self

    def stop(self) -> None:
        """Stop everything and delete the folder, unless the caller gave it."""
        control.stop(self.config)
        if self.config.private.parent != self.folder:
            shutil.rmtree(self.config.private, ignore_errors=True)
        if self._given is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def unit(self, name: str) -> dict[str, Any]:
        """What state.json says of a process: state, pid, restarts, ..."""
        return State.read(self.folder).units[name]

    def pid(self, name: str) -> int:
        """The pid of a process, 0 while it is not running."""
        return int(self.unit(name)["pid"])

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """Signal a process; the supervisor starts one that dies of it again after half a second."""
        who = self._running(name)
        os.kill(who.pid, sign)
        if sign == signal.SIGKILL:
            wait_gone(who, 5.0)
            self._wait(name, lambda unit: unit["pid"] != who.pid)

    def _running(self, name: str) -> Identity:
        """Who to signal; pid 0 of one that is being started again would be our own group."""
        who = State.read(self.folder).who(name)
        assert who.pid, f"{name} does not run now: {self.unit(name)['state']}"
        return who

    def restart(self, name: str) -> None:
        """End a process in its orderly way and wait until the next one is ready."""
        who = self._running(name)
        os.kill(who.pid, signal.Signals[self.unit(name)["stop_signal"]])
        self._wait(name, lambda unit: unit["pid"] != who.pid)
        self.wait_ready(name)

    def hold(self, name: str) -> None:
        """Stop a process and keep it stopped (what needs it goes on), until `release`."""
        running = [n for n, unit in State.read(self.folder).units.items() if not unit["task"]]
        specs = commands.choose(commands.prepare(self.config), self.parts)
        held = [s for s in specs if s.name in running and s.name != name]
        control.start(self.config, held, lambda _: None, identify(os.getpid()))

    def release(self) -> None:
        """Start again what `hold` stopped."""
        self.start()

    def wait_ready(self, name: str, seconds: float = READY_S) -> None:
        """Return as soon as a process is ready; else TimeoutError with its log's last line."""
        self._wait(name, lambda u: u["state"] == "ready" and probe(tuple(u["ready"])), seconds)

    def _wait(
        self, name: str, met: Callable[[dict[str, Any]], bool], seconds: float = READY_S
    ) -> None:
        end = time.monotonic() + seconds
        while not met(self.unit(name)):
            if time.monotonic() > end:
                raise TimeoutError(f"{name}: {self.unit(name)['state']}; {self.last_line(name)}")
            time.sleep(0.05)

    def log(self, name: str) -> str:
        """All that a process has written since it was first started."""
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def last_line(self, name: str) -> str:
        """The last line of a process's log."""
        return control.last_line(self.folder / "logs" / f"{name}.log")

    def url(self, name: str) -> str:
        """Base URL of a process that speaks HTTP."""
        return self.config.url(name)

    def environment(self) -> dict[str, str]:
        """The environment of a process of ours: DATABASE_URL, REDIS_URL, KAFKA_BROKERS, ..."""
        return self.config.service_environment()

    def token(self, role: str = "admin", user: str = "") -> str:
        """A token that the services of this stack accept."""
        return commands.token(self.config, role, user)

    def psql(self, sql: str, database: str = DATABASE) -> str:
        """Run SQL on PostgreSQL itself as superuser; what psql prints, rows as `a|b`."""
        return psql(self.config.superuser_dsn(database), sql)

    def run(self, *module: str, env: Mapping[str, str] | None = None) -> str:
        """Run `python -m MODULE...` in this stack's environment; its output."""
        full = {**os.environ, **self.environment(), **(env or {})}
        argv = [str(install.PYTHON), "-m", *module]
        done = subprocess.run(argv, cwd=REPO, env=full, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(module)}: {done.stdout}{done.stderr}"
        return done.stdout


def psql(dsn: str, sql: str) -> str:
    """Run SQL by psql on a URL; its output; AssertionError with psql's message if it fails."""
    program = f"{programs.postgres_folder()}/psql"
    argv = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn]
    done = subprocess.run(argv, input=sql, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{sql}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class TestDatabase:
    """A migrated database that one test has to itself."""

    __test__: ClassVar[bool] = False

    name: str
    url: str  # through PgBouncer
    direct_url: str

    def psql(self, sql: str) -> str:
        """Run SQL as the application's role, directly on PostgreSQL."""
        return psql(self.direct_url, sql)


def create_database(stack: TestStack, name: str, template: str = "template0") -> TestDatabase:
    """Make a database that is a copy of `template`."""
    stack.psql(f'CREATE DATABASE "{name}" OWNER {ROLE} TEMPLATE "{template}"', "postgres")
    return TestDatabase(name, stack.config.dsn(name), stack.config.direct_dsn(name))


def drop_database(stack: TestStack, name: str) -> None:
    """Drop a database, its connections with it; one that a test dropped already is no error."""
    with contextlib.suppress(AssertionError):
        stack.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', "postgres")


def flush_redis(port: int, database: int) -> str:
    """Empty one of Redis' databases; its URL."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"SELECT {database}\r\nFLUSHDB\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2:
            answer += connection.recv(64)
    assert answer == b"+OK\r\n+OK\r\n", answer
    return f"redis://127.0.0.1:{port}/{database}"
