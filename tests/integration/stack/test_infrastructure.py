"""The real servers below: what the fixtures promise, and that a killed server comes back."""

import pytest

from tests.support.stack import TestDatabase, TestStack, create_database, drop_database, psql


def test_a_database_is_reached_through_pgbouncer(
    stack: TestStack, empty_database: TestDatabase
) -> None:
    assert psql(empty_database.url, "select current_user, current_database()") == (
        f"ucc_intel|{empty_database.name}"
    )
    pools = psql(stack.config.pgbouncer_admin_dsn(), "show pools")
    assert f"{empty_database.name}|ucc_intel|" in pools


def test_the_role_has_its_timeouts_on_every_connection(empty_database: TestDatabase) -> None:
    shown = "select current_setting('jit'), current_setting('statement_timeout')"
    assert psql(empty_database.url, shown) == "off|5min"


def test_data_checksums_are_on(stack: TestStack) -> None:
    assert stack.psql("show data_checksums") == "on"


def test_passwords_are_scram(stack: TestStack) -> None:
    verifier = stack.psql("select left(rolpassword, 14) from pg_authid where rolname = 'ucc_intel'")
    assert verifier == "SCRAM-SHA-256$"


def test_a_wrong_password_is_refused(stack: TestStack) -> None:
    wrong = stack.config.dsn().replace(stack.config.secrets["app"], "wrong")
    with pytest.raises(AssertionError, match=r"password authentication failed|auth failed|SASL"):
        psql(wrong, "select 1")


def test_two_databases_do_not_see_each_other(stack: TestStack) -> None:
    one, two = create_database(stack, "iso_one"), create_database(stack, "iso_two")
    try:
        one.psql("create table t (n int)")
        assert two.psql("select to_regclass('t') is null") == "t"
    finally:
        drop_database(stack, "iso_one")
        drop_database(stack, "iso_two")


def test_the_servers_listen_on_loopback_alone(stack: TestStack) -> None:
    assert stack.psql("show listen_addresses") == "127.0.0.1"


def test_redis_is_empty_for_each_test(redis_url: str) -> None:
    assert redis_url.startswith("redis://127.0.0.1:")


@pytest.mark.slow
def test_killed_servers_come_back() -> None:
    with TestStack(["pgbouncer", "redis", "kafka"]) as own:
        for name in ("redis", "pgbouncer", "kafka", "postgres"):
            own.kill(name)
        for name in ("redis", "pgbouncer", "kafka", "postgres"):
            own.wait_ready(name)
            assert own.unit(name)["restarts"] >= 1
        assert psql(own.config.dsn(), "select 1") == "1"


def test_a_held_server_stays_away_until_it_is_released() -> None:
    with TestStack(["pgbouncer", "redis"]) as own:
        redis = own.pid("redis")
        own.hold("pgbouncer")
        with pytest.raises(AssertionError, match="refused"):
            psql(own.config.dsn(), "select 1")
        own.release()
        assert psql(own.config.dsn(), "select 1") == "1"
        assert own.pid("redis") == redis
