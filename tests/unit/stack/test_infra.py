from dataclasses import replace
from pathlib import Path

import pytest

from tests.stack import infra
from tests.stack.config import Config, Tuning


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config.from_environment({"STACK_DIR": str(tmp_path / "stack")})
    made.claim_folder()
    return made


def settings(text: str) -> dict[str, str]:
    pairs = (line.split(" = ") for line in text.splitlines() if " = " in line)
    return {name.strip(): value.strip() for name, value in pairs}


def test_postgresql_on_a_big_machine_gets_the_specifications_figures(config: Config) -> None:
    conf = settings(infra.postgres_conf(config, 64 * 1024, 1024 * 1024))
    assert conf["shared_buffers"] == "4096MB"
    assert conf["effective_cache_size"] == "12288MB"
    assert conf["maintenance_work_mem"] == "1024MB"
    assert conf["work_mem"] == "10485kB"
    assert (conf["min_wal_size"], conf["max_wal_size"]) == ("2048MB", "8192MB")
    assert (conf["max_connections"], conf["jit"]) == ("200", "off")


def test_postgresql_shrinks_with_a_small_machine(config: Config) -> None:
    conf = settings(infra.postgres_conf(config, 2048, 20 * 1024))
    assert conf["shared_buffers"] == "341MB"
    assert conf["max_wal_size"] == "1024MB"


def test_a_stack_that_keeps_its_data_is_durable(config: Config) -> None:
    conf = settings(infra.postgres_conf(config, 2048, 20 * 1024))
    assert (conf["fsync"], conf["synchronous_commit"]) == ("on", "on")


def test_a_throw_away_stack_is_not(config: Config) -> None:
    quick = replace(config, tuning=Tuning(durable=False))
    assert settings(infra.postgres_conf(quick, 2048, 20 * 1024))["fsync"] == "off"


def test_pgbouncer_has_the_specifications_settings(config: Config) -> None:
    ini = settings(infra.pgbouncer_ini(config))
    expected = {
        "listen_port": "6432", "pool_mode": "transaction", "max_client_conn": "1000",
        "default_pool_size": "25", "min_pool_size": "10", "reserve_pool_size": "5",
        "reserve_pool_timeout": "3", "max_db_connections": "100", "max_user_connections": "100",
        "server_idle_timeout": "600", "server_lifetime": "3600", "server_connect_timeout": "15",
        "query_timeout": "0", "client_idle_timeout": "0", "auth_type": "scram-sha-256",
        "ignore_startup_parameters": "extra_float_digits,options",
    }  # fmt: skip
    assert expected.items() <= ini.items()


def test_prometheus_scrapes_each_process_at_its_port(tmp_path: Path) -> None:
    moved = Config.from_environment({"STACK_DIR": str(tmp_path), "STACK_PORT_JOBS": "18005"})
    text = infra.prometheus_yml(moved)
    assert "job_name: jobs\n    static_configs:\n      - targets: ['127.0.0.1:18005']" in text


def test_postgresql_listens_on_loopback_only(config: Config) -> None:
    conf = settings(infra.postgres_conf(config, 2048, 20 * 1024))
    assert conf["listen_addresses"] == "'127.0.0.1'"
    assert infra.pg_hba(config) == "host all all 127.0.0.1/32 scram-sha-256\n"


def test_postgresql_lets_the_pods_of_a_cluster_in_with_a_password(config: Config) -> None:
    guests = replace(config, tuning=Tuning(address="192.0.2.1", guests="192.0.2.0/24"))
    conf = settings(infra.postgres_conf(guests, 2048, 20 * 1024))
    assert conf["listen_addresses"] == "'127.0.0.1,192.0.2.1'"
    assert "host all all 192.0.2.0/24 scram-sha-256\n" in infra.pg_hba(guests)
