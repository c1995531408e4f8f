"""The process table: every process of the stack, as data; add or drop one by its line."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from tests.stack import infra, programs
from tests.stack.config import REPO, Config
from tests.stack.install import PYTHON, jars_folder
from tests.stack.spec import Spec

INFRASTRUCTURE = ("postgres", "pgbouncer", "redis", "kafka")

# name, arguments after `python -m`, what must be ready before it; its port is the one of its name
SERVICES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("sample_register", "services.sample_register", ()),
    ("relay", "services.jobs relay", ("migrations", "topics", "pgbouncer")),
    ("scheduler", "services.jobs scheduler", ("migrations", "pgbouncer")),
    ("ingestion", "services.pipelines.ingestion", ("migrations", "topics", "pgbouncer")),
    ("enrichment", "services.pipelines.enrichment", ("migrations", "topics", "pgbouncer")),
    ("scoring", "services.pipelines.scoring", ("migrations", "topics", "pgbouncer")),
    ("maintenance", "services.pipelines.maintenance", ("migrations", "topics", "pgbouncer")),
    ("prospects", "services.prospects", ("migrations", "pgbouncer", "redis")),
    ("jobs", "services.jobs", ("migrations", "pgbouncer", "redis")),
)

# name, arguments after `python -m`, what must be ready before it; run once per `up`
TASKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("migrations", "migrations up", ("database",)),
    ("topics", "services.common.kafka.topics create", ("kafka",)),
)


def table(config: Config) -> tuple[Spec, ...]:
    """Every process of a stack, in no particular order."""
    ours = [_task(config, *row) for row in TASKS] + [_service(config, *row) for row in SERVICES]
    return (*_postgres(config), _pgbouncer(config), _redis(config), *_kafka(config),
            *_prometheus(config), *ours)  # fmt: skip


def _service(config: Config, name: str, module: str, needs: tuple[str, ...]) -> Spec:
    return Spec(
        name,
        (str(PYTHON), "-m", *module.split()),
        env=_base() | config.service_environment() | _own(config, name),
        needs=needs,
        ready=("http", f"{config.url(name)}/health/ready"),
        port=config.ports[name],
        cwd=str(REPO),
        grace=30.0,
        revision=revision(REPO / "services"),
    )


def _own(config: Config, name: str) -> dict[str, str]:
    """What only this process is told: one of each runs, so its name is a member's of its group."""
    return {"PORT": str(config.ports[name]), "KAFKA_INSTANCE_ID": name}


def _task(config: Config, name: str, module: str, needs: tuple[str, ...]) -> Spec:
    argv = (str(PYTHON), "-m", *module.split())
    env = _base() | config.service_environment()
    return Spec(name, argv, env=env, needs=needs, task=True, cwd=str(REPO))


def _base() -> dict[str, str]:
    """What a server itself needs of an environment, and nothing of the caller's mood."""
    kept = {name: os.environ[name] for name in ("HOME", "USER", "TMPDIR") if name in os.environ}
    path = f"{os.environ.get('PATH', os.defpath)}:{programs.EXTRA_PATH}"
    return {"PATH": path, "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", **kept}


def revision(folder: Path) -> str:
    """Changes with the code below a folder, so that `up` restarts services whose code changed."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".sql", ".json"}:
            status = path.stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _postgres(config: Config) -> tuple[Spec, ...]:
    bin_folder, home, port = (
        programs.postgres_folder(),
        config.private,
        str(config.ports["postgres"]),
    )
    data, fresh = home / "postgres", home / "postgres.new"
    env = _base() | {"PGPASSFILE": str(home / "pgpass")}
    initdb = (
        f"rm -rf '{fresh}' && '{bin_folder}/initdb' -D '{fresh}' -U postgres --data-checksums "
        f"--encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --no-sync "
        f"--pwfile='{home}/postgres.password' && sync -f '{fresh}' && mv '{fresh}' '{data}'"
    )
    psql = (f"{bin_folder}/psql", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", "postgres")
    server = (
        f"{bin_folder}/postgres",
        "-D",
        str(data),
        "-c",
        f"config_file={home}/postgresql.conf",
    )
    conf = hashlib.sha256((home / "postgresql.conf").read_bytes()).hexdigest()[:16]
    specs = (
        Spec("initdb", ("sh", "-c", initdb), env=env, task=True, skip_if=str(data)),
        Spec("postgres", server, env=env, needs=("initdb",), port=config.ports["postgres"],
             ready=("exec", f"{bin_folder}/pg_isready", "-q", "-h", "127.0.0.1", "-p", port),
             stop_signal="SIGINT", grace=30.0, revision=conf),
        Spec("database", (*psql, "-q", "-X", "-v", "ON_ERROR_STOP=1", "-f", f"{home}/setup.sql"),
             env=env, needs=("postgres",), task=True),
    )  # fmt: skip
    return tuple(replace(spec, user=config.account, cwd=str(home)) for spec in specs)


def _pgbouncer(config: Config) -> Spec:
    ini = config.private / "pgbouncer.ini"
    return Spec(
        "pgbouncer",
        (programs.find("pgbouncer"), "-q", str(ini)),
        env=_base(),
        needs=("database",),
        ready=("tcp", str(config.ports["pgbouncer"])),
        port=config.ports["pgbouncer"],
        user=config.account,
        cwd=str(config.private),
        grace=3.0,
        revision=hashlib.sha256(ini.read_bytes()).hexdigest()[:16],
    )


def _redis(config: Config) -> Spec:
    """Rate limits and caches only: nothing in it must outlive a restart."""
    port = str(config.ports["redis"])
    argv = (programs.find("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru",
            "--dir", str(config.folder / "redis"))  # fmt: skip
    return Spec("redis", argv, env=_base(), ready=("tcp", port), port=config.ports["redis"])


def _kafka(config: Config) -> tuple[Spec, ...]:
    properties = config.folder / "kafka.properties"
    logs = config.folder / "kafka"
    java = (
        programs.java(),
        "-cp",
        f"{jars_folder()}/*",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    )
    quiet = f"-Dlog4j2.configurationFile={infra.log4j2()}"
    storage = (*java, quiet, "kafka.tools.StorageTool", "format", "--standalone",
               "--ignore-formatted", "-t", _cluster_id(config), "-c", str(properties))  # fmt: skip
    server = (*java, "-Xms128m", "-Xmx512m", quiet, "kafka.Kafka", str(properties))
    return (
        Spec("kafka_format", storage, env=_base(), task=True, skip_if=f"{logs}/meta.properties"),
        Spec("kafka", server, env=_base(), needs=("kafka_format",), port=config.ports["kafka"],
             ready=("tcp", str(config.ports["kafka"])), grace=30.0),
    )  # fmt: skip


def _cluster_id(config: Config) -> str:
    """A Kafka uuid: 22 characters of URL-safe base64, no leading '-', which would be an option."""
    return "K" + config.secrets["kafka_cluster"][:20] + "A"


def _prometheus(config: Config) -> tuple[Spec, ...]:
    program = programs.find("prometheus")
    if not program:
        return ()
    port = config.ports["prometheus"]
    argv = (program, f"--config.file={config.folder}/prometheus.yml", "--log.level=warn",
            f"--storage.tsdb.path={config.folder}/prometheus", "--storage.tsdb.retention.time=2d",
            f"--web.listen-address=127.0.0.1:{port}")  # fmt: skip
    ready = ("http", f"{config.url('prometheus')}/-/ready")
    return (Spec("prometheus", argv, env=_base(), ready=ready, port=port),)
