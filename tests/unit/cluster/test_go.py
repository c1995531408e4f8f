"""Which Go builds the programs."""

from pathlib import Path

import pytest

from tests.cluster import go
from tests.stack import install, programs


def fake_go(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho go version go{version} linux/amd64\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the fetched Go would be, on a machine with no other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(go, "INSTALLED", tmp_path / "none")
    monkeypatch.setattr(programs, "find", lambda _: "")
    return go._own()


def test_the_machines_go_is_taken(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = fake_go(tmp_path / "bin" / "go", "1.27.1")
    monkeypatch.setattr(programs, "find", lambda _: str(machine))
    assert go.find() == machine


def test_a_machines_go_that_is_too_old_is_passed_over(
    own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = fake_go(tmp_path / "bin" / "go", "1.19.8")
    monkeypatch.setattr(programs, "find", lambda _: str(old))
    fetched = fake_go(own, "1.26.6")
    assert go.find() == fetched


def test_a_missing_go_is_fetched_once(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def pip(argv: list[str], *_: object) -> None:
        calls.append(argv)
        fake_go(Path(argv[argv.index("--target") + 1]) / "go" / "bin" / "go", "1.26.6")

    monkeypatch.setattr(install, "run_logged", pip)
    assert go.find() == go.find() == own
    assert len(calls) == 1
    assert "--require-hashes" in calls[0]


def test_a_fetched_go_keeps_its_caches_apart(own: Path) -> None:
    assert go.environment(own)["GOCACHE"].startswith(str(own.parents[3]))


def test_the_machines_go_keeps_its_users_caches(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOCACHE", "/somewhere")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    environment = go.environment(Path("/usr/bin/go"))
    assert environment["GOCACHE"] == "/somewhere"
    assert "GOFLAGS" not in environment


def test_the_version_that_is_fetched_is_new_enough_for_the_modules() -> None:
    (line,) = [text for text in go.LOCK_FILE.read_text().splitlines() if "==" in text]
    fetched = tuple(int(part) for part in line.split("==")[1].split()[0].split("."))
    for module in go.LOCK_FILE.parent.glob("*/go.mod"):
        asked = module.read_text().partition("\ngo ")[2].split()[0]
        assert tuple(int(part) for part in asked.split(".")) <= fetched
