"""Processes of each image, run as a node would: user 10001, read-only root, nothing but /tmp."""

import signal
import subprocess
import urllib.request

import pytest

from tests.cluster.waiting import until
from tests.images.unpacked import Unpacked
from tests.stack.ports import free_port
from tests.support.stack import TestDatabase

# What each image is started as, and the setting that it then misses first.
ENTRIES = {
    "api": ("services.prospects", "services.jobs"),
    "worker": (
        "services.pipelines.ingestion",
        "services.pipelines.enrichment",
        "services.pipelines.scoring",
        "services.pipelines.maintenance",
    ),
}
LAZY = {
    "api": "services.prospects.app services.jobs.app services.jobs.cli "
    "services.sample_register.app",
    "worker": "services.jobs.relay services.jobs.scheduler services.pipelines.ingestion.agents "
    "services.pipelines.enrichment.agents services.pipelines.scoring.agents "
    "services.pipelines.maintenance.agents",
    "operator": "operators.migrator.app migrations.cli",
}


def test_it_runs_as_the_user_it_names(image: Unpacked) -> None:
    assert image.run("id") == "uid=10001(app) gid=10001(app) groups=10001(app)\n"


def test_only_tmp_can_be_written(image: Unpacked) -> None:
    places = ("/", "/app", "/opt/venv", "/etc", "/var/tmp", "/run", "/home", "/nonexistent")
    code = (
        f"import os; print([p for p in {places!r} if os.access(p, os.W_OK)]); open('/tmp/a', 'w')"
    )
    assert image.run("python", "-c", code) == "[]\n"


@pytest.mark.parametrize(
    ("target", "module"), [(target, m) for target, each in ENTRIES.items() for m in each]
)
def test_an_entry_asks_for_its_settings(
    unpacked: dict[str, Unpacked], target: str, module: str
) -> None:
    done = unpacked[target].attempt("python", "-m", module)
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("target", LAZY)
def test_what_an_entry_imports_later_is_there(unpacked: dict[str, Unpacked], target: str) -> None:
    unpacked[target].run("python", "-W", "error", "-c", f"import {', '.join(LAZY[target].split())}")


def test_the_operator_image_lints_its_migrations(operator: Unpacked) -> None:
    assert "well formed" in operator.run(*operator.config["Entrypoint"], "migrations", "lint")


def test_only_python_and_squawk_are_commands_of_the_environment(operator: Unpacked) -> None:
    commands = {path.name for path in (operator.root / "opt/venv/bin").iterdir()}
    assert commands == {"python", "python3", "python3.13", "squawk"}


def test_certificates_time_zones_and_host_names_are_there(image: Unpacked) -> None:
    code = (
        "import ssl, socket, zoneinfo; zoneinfo.ZoneInfo('America/Denver');"
        "socket.getservbyname('https');"
        "print(ssl.create_default_context().cert_store_stats()['x509_ca'] > 100)"
    )
    assert image.run("python", "-c", code) == "True\n"


def test_a_service_answers_and_ends_by_sigterm(api: Unpacked) -> None:
    port = free_port()
    argv = [*api.config["Entrypoint"], "services.sample_register"]
    env = {"PORT": str(port), "SAMPLE_HOST": "127.0.0.1", "SAMPLE_SIZE": "10"}
    with subprocess.Popen(api.command(argv, env), stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/health"), "an answer")
        finally:
            process.send_signal(getattr(signal, api.config.get("StopSignal", "SIGTERM")))
        assert process.wait(30) == 0


def answers(url: str) -> bool:
    """Whether there is a 200 at this address."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_the_operator_image_migrates_an_empty_database(
    operator: Unpacked, empty_database: TestDatabase
) -> None:
    env = {"DATABASE_DIRECT_URL": empty_database.direct_url}
    operator.run("python", "-m", "migrations", "up", env=env)
    assert "without drift" in operator.run("python", "-m", "migrations", "verify", env=env)


def test_every_image_can_wait_for_the_schema(image: Unpacked, database: TestDatabase) -> None:
    env = {"DATABASE_DIRECT_URL": database.direct_url}
    image.run("python", "-m", "migrations", "wait", "--timeout", "5", env=env)
