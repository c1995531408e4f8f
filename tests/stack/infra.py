"""The configuration files of the servers below our own processes; `write` puts them in the folder.

PostgreSQL: the specification's tuning, scaled from its 16 GB to the machine. PgBouncer: the
specification's settings, with SCRAM instead of md5. Kafka: one KRaft node, which takes a killed
broker back as soon as its old session ends (broker.session.timeout.ms).
"""

import os
import shutil
from pathlib import Path

from tests.stack.config import DATABASE, REPO, ROLE, Config
from tests.stack.spec import write_private

GB = 1024  # in MB, the unit of `tuning`
SCRAPED = (
    "prospects", "jobs", "ingestion", "enrichment", "scoring", "maintenance", "relay", "scheduler",
    "prometheus",
)  # fmt: skip


def write(config: Config) -> None:
    """Write every configuration file of the stack; private ones belong to the servers' account."""
    private = config.private
    private.mkdir(parents=True, exist_ok=True)
    private.chmod(0o700)
    write_private(private / "postgresql.conf", postgres_conf(config, memory_mb(), disk_mb(private)))
    write_private(private / "pg_hba.conf", pg_hba(config))
    write_private(private / "postgres.password", config.secrets["postgres"] + "\n")
    write_private(private / "pgpass", _pgpass(config))
    write_private(private / "setup.sql", setup_sql(config))
    write_private(private / "pgbouncer.ini", pgbouncer_ini(config))
    write_private(private / "userlist.txt", _userlist(config))
    if config.account:
        for path in (private, *private.iterdir()):
            if path.is_file() or path == private:
                shutil.chown(path, config.account, config.account)
    (config.folder / "redis").mkdir(exist_ok=True)
    (config.folder / "kafka.properties").write_text(kafka_properties(config))
    (config.folder / "prometheus.yml").write_text(prometheus_yml(config))


def memory_mb() -> int:
    """Memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def disk_mb(folder: Path) -> int:
    """Size of the disk where the data goes: not what is free, which changes from call to call."""
    return shutil.disk_usage(folder).total // 2**20


def postgres_conf(config: Config, memory: int, disk: int) -> str:
    """postgresql.conf for a machine of `memory` MB with a disk of `disk` MB."""
    if config.tuning.durable:
        sizes = {
            "shared_buffers": f"{_between(128, memory // 6, 4 * GB)}MB",
            "effective_cache_size": f"{_between(512, memory // 2, 12 * GB)}MB",
            "maintenance_work_mem": f"{_between(64, memory // 24, GB)}MB",
            "work_mem": f"{_between(4096, memory * 1024 // 2048, 10485)}kB",
            "min_wal_size": f"{_between(80, disk // 80, 2 * GB)}MB",
            "max_wal_size": f"{_between(256, disk // 20, 8 * GB)}MB",
            "fsync": "on",
            "synchronous_commit": "on",
        }
    else:
        sizes = {
            "shared_buffers": "128MB", "max_wal_size": "1GB", "fsync": "off",
            "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "10min",
        }  # fmt: skip
    settings = {
        "listen_addresses": f"'{','.join(filter(None, ('127.0.0.1', config.tuning.address)))}'",
        "port": str(config.ports["postgres"]), "hba_file": f"'{config.private}/pg_hba.conf'",
        "unix_socket_directories": "''", "max_connections": "200",
        "password_encryption": "'scram-sha-256'", "jit": "off", "timezone": "'UTC'",
        "log_timezone": "'UTC'", "log_line_prefix": "'%m [%p] %q%u@%d '",
        "log_min_duration_statement": "1s", "checkpoint_completion_target": "0.9",
        "wal_buffers": "16MB", "default_statistics_target": "100", "random_page_cost": "1.1",
        "effective_io_concurrency": "200", "max_worker_processes": "4",
        "max_parallel_workers_per_gather": "2", "max_parallel_workers": "4",
    }  # fmt: skip
    return "".join(f"{name} = {value}\n" for name, value in (settings | sizes).items())


def pg_hba(config: Config) -> str:
    """pg_hba.conf: who may come in, always with a password."""
    networks = filter(None, ("127.0.0.1/32", config.tuning.guests))
    return "".join(f"host all all {network} scram-sha-256\n" for network in networks)


def _between(least: int, value: int, most: int) -> int:
    return max(least, min(value, most))


def setup_sql(config: Config) -> str:
    """Role and database, for psql; changes nothing where they are right already.

    Timeouts stand on the role: PgBouncer in transaction mode refuses them as start-up parameters.
    """
    return f"""
SELECT 'CREATE ROLE {ROLE} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}')
\\gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {ROLE}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}')
\\gexec
ALTER ROLE {ROLE} PASSWORD '{config.secrets["app"]}';
ALTER ROLE {ROLE} SET jit = off;
ALTER ROLE {ROLE} SET statement_timeout = '5min';
ALTER ROLE {ROLE} SET lock_timeout = '30s';
ALTER ROLE {ROLE} SET idle_in_transaction_session_timeout = '1min';
GRANT pg_monitor TO {ROLE};
"""


def _pgpass(config: Config) -> str:
    return f"127.0.0.1:{config.ports['postgres']}:*:postgres:{config.secrets['postgres']}\n"


def pgbouncer_ini(config: Config) -> str:
    """pgbouncer.ini: any database of the server, so that a test can have one of its own."""
    private = config.private
    return f"""\
[databases]
* = host=127.0.0.1 port={config.ports["postgres"]}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {config.ports["pgbouncer"]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {private}/userlist.txt
admin_users = pgbouncer_admin
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 25
min_pool_size = {config.tuning.min_pool_size}
reserve_pool_size = 5
reserve_pool_timeout = 3
max_db_connections = 100
max_user_connections = 100
server_idle_timeout = 600
server_lifetime = 3600
server_connect_timeout = 15
server_login_retry = 1
query_timeout = 0
query_wait_timeout = 5
client_idle_timeout = 0
ignore_startup_parameters = extra_float_digits,options
log_connections = 0
log_disconnections = 0
"""


def _userlist(config: Config) -> str:
    pairs = {ROLE: config.secrets["app"], "pgbouncer_admin": config.secrets["pgbouncer_admin"]}
    return "".join(f'"{user}" "{password}"\n' for user, password in pairs.items())


def kafka_properties(config: Config) -> str:
    """server.properties of one KRaft node; topics are made by us, never by a first message."""
    broker, controller = config.ports["kafka"], config.ports["kafka_controller"]
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={config.folder}/kafka
auto.create.topics.enable=false
num.partitions=4
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=1000
broker.session.timeout.ms=4000
log.retention.hours=24
log.segment.bytes=67108864
log.cleaner.dedupe.buffer.size=16777216
"""


def prometheus_yml(config: Config) -> str:
    """Scrape every process of ours."""
    jobs = "".join(
        f"  - job_name: {name}\n    static_configs:\n"
        f"      - targets: ['127.0.0.1:{config.ports[name]}']\n"
        for name in SCRAPED
    )
    return f"global:\n  scrape_interval: 5s\nscrape_configs:\n{jobs}"


def log4j2() -> Path:
    """Kafka's logging configuration."""
    return REPO / "tests" / "stack" / "kafka" / "log4j2.properties"
