"""A wrong environment is refused whole, in words; sources move by scheme and host only."""

import subprocess
import sys

import pytest

from services.common.config import (
    ApiSettings,
    JwtSettings,
    Settings,
    load,
    source_rate,
    source_url,
    table,
)
from services.common.errors import Misconfigured
from tests.unit.common.service import settings

CO = "https://data.colorado.gov/resource/wffy-3uut.json?$order=id"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "JWT_SECRET", "PORT", "LOG_LEVEL", "SOURCE_CO_URL"):
        monkeypatch.delenv(name, raising=False)


def test_every_bad_key_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "eighty")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SystemExit) as exited:
        load(ApiSettings)
    assert exited.value.code == 2
    told = capsys.readouterr().err
    assert all(name in told for name in ("PORT", "LOG_LEVEL", "DATABASE_URL", "JWT_SECRET"))


def test_a_refusal_does_not_print_the_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "mysql://u:hunter2@h/d")
    with pytest.raises(SystemExit):
        load(ApiSettings)
    assert "hunter2" not in capsys.readouterr().err


def test_an_api_needs_a_secret_but_a_worker_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    assert load(Settings).database_url == "postgresql://u@h/d"
    with pytest.raises(SystemExit):
        load(ApiSettings)


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv("PORT", "")
    assert load(Settings).port == 8000


def test_the_secret_of_a_dsn_is_not_shown_in_a_repr() -> None:
    shown = repr(settings(database_url="postgresql://u:hunter2@h/d", jwt_secret="x" * 32))
    assert "hunter2" not in shown
    assert "x" * 32 not in shown


def test_origins_are_separated_by_commas() -> None:
    assert settings(cors_origin="http://a, http://b").cors_origins == {"http://a", "http://b"}


def test_a_source_stays_where_it_is_without_a_variable() -> None:
    assert source_url("co", CO) == CO


@pytest.mark.parametrize("base", ["http://127.0.0.1:39001", "http://127.0.0.1:39001/"])
def test_a_source_moves_by_scheme_and_host(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setenv("SOURCE_CO_URL", base)
    moved = "http://127.0.0.1:39001/resource/wffy-3uut.json?$order=id"
    assert source_url("co", CO) == moved


@pytest.mark.parametrize("base", ["127.0.0.1:39001", "ftp://h", "http://h/path", "http://"])
def test_a_source_address_of_another_form_is_refused(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("SOURCE_CO_URL", base)
    with pytest.raises(Misconfigured, match="SOURCE_CO_URL"):
        source_url("co", CO)


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:80"])
def test_a_source_on_loopback_has_no_rate(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("SOURCE_CO_URL", f"http://{host}")
    assert source_rate("co", 2.0) is None


def test_a_source_elsewhere_has_its_own_rate() -> None:
    assert source_rate("co", 2.0, CO) == 2.0


def test_a_rate_that_is_set_counts_on_loopback_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_CO_RATE", "7.5")
    assert source_rate("co", 2.0, "http://127.0.0.1/x") == 7.5


@pytest.mark.parametrize("rate", ["fast", "0", "-1", "nan", "inf"])
def test_a_rate_must_be_a_positive_number(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    monkeypatch.setenv("SOURCE_CO_RATE", rate)
    with pytest.raises(Misconfigured, match="SOURCE_CO_RATE"):
        source_rate("co", 2.0)


def test_the_table_has_a_row_for_every_setting() -> None:
    rows = table([]).splitlines()
    for name in (*Settings.model_fields, *ApiSettings.model_fields, *JwtSettings.model_fields):
        assert sum(row.startswith(f"| `{name.upper()}` |") for row in rows) == 1


def test_the_table_is_a_command() -> None:
    argv = [sys.executable, "-m", "services.common.config"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "| `JWT_SECRET` | unset |" in done.stdout


def test_log_level_is_read_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    assert settings().log_level == "DEBUG"
