"""Where a stack lives: its folder, ports, secrets, and the environment passed through it."""

import hashlib
import json
import os
import pwd
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack.errors import StackError
from tests.stack.spec import write_private

REPO = Path(__file__).resolve().parents[2]
MARK = "ucc-intel-stack"  # a file that says "this folder is a stack's and may be deleted by reset"
DATABASE = ROLE = "ucc_intel"

PORTS = {
    "postgres": 5432,
    "pgbouncer": 6432,
    "redis": 6379,
    "kafka": 9092,
    "kafka_controller": 9093,
    "prometheus": 9090,
    "sample_register": 8090,
    "prospects": 8001,
    "jobs": 8005,
    "ingestion": 8011,
    "enrichment": 8012,
    "scoring": 8013,
    "maintenance": 8014,
    "relay": 8015,
    "scheduler": 8016,
}

# What reaches every process of ours from the caller's environment (architecture.md, section 2).
PASSED = ("CORS_ORIGIN", "LOG_LEVEL", "TOPIC_PREFIX")
PASSED_PREFIXES = (
    "SOURCE_",
    "JWT_",
    "RATE_LIMIT_",
    "SAMPLE_",
    "INGEST_",
    "FILE_",
    "ENRICHMENT_",
    "COVERAGE_",
)


@dataclass(frozen=True)
class Tuning:
    """What differs between a stack that keeps its data and one that a test throws away."""

    durable: bool = True
    min_pool_size: int = 10
    address: str = ""
    """Where PostgreSQL listens beside loopback: for pods of a cluster on this machine."""
    guests: str = ""
    """The network that may come in there."""


@dataclass(frozen=True)
class Config:
    """One stack: `folder` holds logs, state, secrets; `passed` is of the caller's environment."""

    folder: Path
    ports: Mapping[str, int]
    passed: Mapping[str, str]
    tuning: Tuning = Tuning()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read STACK_DIR, STACK_PORT_<NAME>, STACK_PORT_BASE and what passes on, or StackError."""
        folder = Path(environ.get("STACK_DIR") or REPO / ".stack").expanduser().resolve()
        return cls(folder, _ports(environ), passed(environ))

    def claim_folder(self) -> None:
        """Make the folder and mark it as ours; StackError for one that holds something else."""
        if self.folder.is_dir() and any(self.folder.iterdir()) and not self.is_ours:
            raise StackError(
                f"{self.folder} holds files that no stack wrote: give STACK_DIR an empty folder."
            )
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            (self.folder / MARK).touch()
        except OSError as error:
            reason = error.strerror
            raise StackError(
                f"{self.folder} cannot be written ({reason}): set STACK_DIR."
            ) from None

    @property
    def is_ours(self) -> bool:
        """True for a folder that `claim_folder` marked."""
        return (self.folder / MARK).exists()

    @cached_property
    def account(self) -> str:
        """Who runs PostgreSQL and PgBouncer, which refuse root: `postgres`; '' is the caller."""
        if os.geteuid() != 0:
            return ""
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            raise StackError(
                "there is no user 'postgres' to run PostgreSQL as: run apt-get install postgresql."
            ) from None
        return "postgres"

    @cached_property
    def private(self) -> Path:
        """Folder of PostgreSQL and PgBouncer; below /var/lib where their user cannot reach ours."""
        if not self.account or reachable(self.folder, self.account):
            return self.folder / "private"
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path("/var/lib/ucc-intel") / digest

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Passwords and the JWT secret of this stack, made once, kept in a file of mode 600."""
        path = self.folder / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        names = ("postgres", "app", "pgbouncer_admin", "jwt", "kafka_cluster")
        fresh = {name: secrets.token_urlsafe(32) for name in names if name not in known}
        if fresh:
            known |= fresh
            write_private(path, json.dumps(known, indent=1))
        return known

    def dsn(self, database: str = DATABASE) -> str:
        """URL of a database through PgBouncer, as the application's role."""
        return self._dsn(ROLE, self.secrets["app"], "pgbouncer", database)

    def direct_dsn(self, database: str = DATABASE) -> str:
        """URL of a database on PostgreSQL itself, as the application's role."""
        return self._dsn(ROLE, self.secrets["app"], "postgres", database)

    def superuser_dsn(self, database: str = "postgres") -> str:
        """URL of a database on PostgreSQL itself, as its superuser."""
        return self._dsn("postgres", self.secrets["postgres"], "postgres", database)

    def pgbouncer_admin_dsn(self) -> str:
        """URL of PgBouncer's own console (SHOW POOLS, ...)."""
        password = self.secrets["pgbouncer_admin"]
        return self._dsn("pgbouncer_admin", password, "pgbouncer", "pgbouncer")

    def _dsn(self, user: str, password: str, server: str, database: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.ports[server]}/{database}"

    def url(self, name: str) -> str:
        """Base URL of a process that speaks HTTP."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def service_environment(self) -> dict[str, str]:
        """The environment of every process of ours, PORT apart."""
        given = {
            "LISTEN_ADDRESS": "127.0.0.1",
            "SAMPLE_HOST": "127.0.0.1",
            "SOURCE_SAMPLE_URL": self.url("sample_register"),
            "JWT_SECRET": self.secrets["jwt"],
            **self.passed,
        }
        return given | {
            "DATABASE_URL": self.dsn(),
            "DATABASE_DIRECT_URL": self.direct_dsn(),
            "REDIS_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "KAFKA_BROKERS": f"127.0.0.1:{self.ports['kafka']}",
        }


def passed(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's variables that reach every process; an empty one counts as not set."""
    return {
        name: value
        for name, value in sorted(environ.items())
        if value and (name in PASSED or name.startswith(PASSED_PREFIXES))
    }


def _ports(environ: Mapping[str, str]) -> dict[str, int]:
    base = _number(environ, "STACK_PORT_BASE", 0)
    ports = {n: _number(environ, f"STACK_PORT_{n.upper()}", base + p) for n, p in PORTS.items()}
    by_port: dict[int, str] = {}
    for name, port in ports.items():
        if not 0 < port < 65536:
            raise StackError(f"STACK_PORT_{name.upper()}={port} is no port: use 1 to 65535.")
        if port in by_port:
            raise StackError(
                f"{by_port[port]} and {name} both want port {port}: set STACK_PORT_{name.upper()}."
            )
        by_port[port] = name
    return ports


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal():
        raise StackError(f"{name}={text} is not a whole number.")
    return int(text)


def reachable(folder: Path, user: str) -> bool:
    """Can `user` walk into `folder`? Looks at the mode of each folder above it that exists."""
    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    for step in (folder, *folder.parents):
        if step.exists():
            status = step.stat()
            bit = stat.S_IXOTH
            if status.st_uid == entry.pw_uid:
                bit = stat.S_IXUSR
            elif status.st_gid in groups:
                bit = stat.S_IXGRP
            if not status.st_mode & bit:
                return False
    return True
