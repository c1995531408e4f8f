from pathlib import Path

import pytest

from tests.stack.config import PORTS, Config, passed
from tests.stack.errors import StackError


def config(tmp_path: Path, **environ: str) -> Config:
    return Config.from_environment({"STACK_DIR": str(tmp_path / "stack"), **environ})


def test_the_ports_are_those_of_the_contract(tmp_path: Path) -> None:
    assert config(tmp_path).ports == PORTS


def test_one_port_moves_by_its_variable(tmp_path: Path) -> None:
    moved = config(tmp_path, STACK_PORT_PROSPECTS="18001")
    assert moved.url("prospects") == "http://127.0.0.1:18001"
    assert moved.ports["jobs"] == 8005


def test_a_base_moves_every_port(tmp_path: Path) -> None:
    moved = config(tmp_path, STACK_PORT_BASE="20000", STACK_PORT_REDIS="7000")
    assert moved.ports["postgres"] == 25432
    assert moved.ports["redis"] == 7000


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"STACK_PORT_KAFKA": "many"}, "STACK_PORT_KAFKA=many is not a whole number"),
        ({"STACK_PORT_KAFKA": "70000"}, "STACK_PORT_KAFKA=70000 is no port"),
        ({"STACK_PORT_KAFKA": "6379"}, "redis and kafka both want port 6379"),
    ],
)
def test_a_bad_port_is_one_sentence(tmp_path: Path, environ: dict[str, str], message: str) -> None:
    with pytest.raises(StackError, match=message):
        config(tmp_path, **environ)


def test_only_the_promised_variables_are_passed_on() -> None:
    given = {
        "SOURCE_CO_URL": "http://127.0.0.1:1", "JWT_AUDIENCE": "a", "RATE_LIMIT_MAX": "0",
        "CORS_ORIGIN": "*", "LOG_LEVEL": "debug", "PORT": "1", "DATABASE_URL": "x", "SAMPLE": "0",
        "JWT_SECRET": "",
    }  # fmt: skip
    assert set(passed(given)) == {
        "SOURCE_CO_URL", "JWT_AUDIENCE", "RATE_LIMIT_MAX", "CORS_ORIGIN", "LOG_LEVEL",
    }  # fmt: skip


def test_the_jwt_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    first, second = config(tmp_path), config(tmp_path)
    first.claim_folder()
    secret = first.service_environment()["JWT_SECRET"]
    assert len(secret) >= 32
    assert second.service_environment()["JWT_SECRET"] == secret


def test_the_callers_jwt_secret_and_source_win(tmp_path: Path) -> None:
    given = config(tmp_path, JWT_SECRET="s" * 32, SOURCE_SAMPLE_URL="http://127.0.0.1:9")
    given.claim_folder()
    environment = given.service_environment()
    assert environment["JWT_SECRET"] == "s" * 32
    assert environment["SOURCE_SAMPLE_URL"] == "http://127.0.0.1:9"


def test_the_sample_source_is_the_stacks_own_register(tmp_path: Path) -> None:
    own = config(tmp_path, STACK_PORT_SAMPLE_REGISTER="18090")
    own.claim_folder()
    assert own.service_environment()["SOURCE_SAMPLE_URL"] == "http://127.0.0.1:18090"


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(StackError, match="give STACK_DIR an empty folder"):
        Config.from_environment({"STACK_DIR": str(tmp_path)}).claim_folder()


def test_a_claimed_folder_may_be_claimed_again(tmp_path: Path) -> None:
    own = config(tmp_path)
    own.claim_folder()
    own.claim_folder()
    assert own.is_ours
