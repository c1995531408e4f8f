"""A stack that a test has to itself: other ports, a throw-away folder, processes it may kill.

`tests/conftest.py` makes the fixtures of it; fault tests make one directly:

    with TestStack(parts=["ingestion", "relay", "jobs"], env={"SOURCE_SAMPLE_RATE": "50"}) as stack:
        stack.kill("pgbouncer")
        stack.wait_ready("pgbouncer")
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from tests.stack import commands, control, install, programs
from tests.stack.config import DATABASE, PORTS, REPO, ROLE, Config, Tuning
from tests.stack.ports import free_base, give_back
from tests.stack.proc import identify
from tests.stack.spec import Spec
from tests.stack.supervised import Supervised
from tests.stack.table import INFRASTRUCTURE


class TestStack(Supervised):
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
        super().__init__(folder or Path(tempfile.mkdtemp(prefix="ucc-intel-test-")))
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
        self.supervise(self.prepare())
        return self

    def prepare(self) -> Sequence[Spec]:
        """Write what the processes read; those that `parts` names and what they need."""
        return commands.choose(commands.prepare(self.config), self.parts)

    def supervise(self, specs: Sequence[Spec]) -> None:
        """Let these processes run and no others; they end with this one at the latest."""
        control.start(self.config, specs, lambda _: None, identify(os.getpid()))

    def stop(self) -> None:
        """Stop everything and delete the folder, unless the caller gave it."""
        control.stop(self.config)
        give_back(self.config.ports.values())
        if self.config.private.parent != self.folder:
            shutil.rmtree(self.config.private, ignore_errors=True)
        if self._given is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def pid(self, name: str) -> int:
        """The pid of a process, 0 while it is not running."""
        return self.who(name).pid

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
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(f"SELECT {database}\r\nFLUSHDB\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2:
            answer += connection.recv(64)
    assert answer == b"+OK\r\n+OK\r\n", answer
    return f"redis://127.0.0.1:{port}/{database}"
