import sys
from pathlib import Path

import pytest

from tests.stack import apt, install, programs
from tests.stack.errors import StackError


def server(root: Path, version: str) -> Path:
    folder = root / version / "bin"
    folder.mkdir(parents=True)
    (folder / "postgres").touch()
    return folder


def test_the_newest_postgresql_is_taken(tmp_path: Path) -> None:
    server(tmp_path, "15")
    newest = server(tmp_path, "17")
    assert programs.postgres_folder(tmp_path) == newest


def test_a_postgresql_that_is_too_old_does_not_count(tmp_path: Path) -> None:
    server(tmp_path, "14")
    assert programs.postgres_folder(tmp_path) is None


def test_a_policy_file_is_gone_after_the_installation(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with apt.file_instead(policy, f"#!/bin/sh\n{apt.MARK}exit 101\n", 0o755):
        assert policy.stat().st_mode & 0o111
    assert not policy.exists()


def test_the_machines_own_policy_file_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    with apt.file_instead(policy, apt.MARK, 0o755):
        assert "exit 0" not in policy.read_text()
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_what_a_killed_installation_left_is_not_taken_for_the_machines_own(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text(apt.MARK)
    (tmp_path / "policy-rc.d.before-ucc-intel").write_text("the machine's own")
    with apt.file_instead(policy, apt.MARK, 0o755):
        pass
    assert policy.read_text() == "the machine's own"


def test_a_failed_step_is_one_sentence_with_its_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    argv = [sys.executable, "-c", "print('first'); print('no network'); raise SystemExit(3)"]
    with pytest.raises(StackError, match=r"^pip failed \(no network\): check the network; .*log"):
        install.run_logged(argv, "pip failed", "check the network")


def test_without_root_and_sudo_the_command_to_run_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(programs, "missing_packages", lambda jars_cached: ["pgbouncer"])
    with pytest.raises(StackError, match="run `sudo apt-get install -y pgbouncer`, then this"):
        install.packages()


def test_without_apt_the_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(programs, "missing_packages", lambda jars_cached: ["pgbouncer"])
    with pytest.raises(StackError, match="missing: pgbouncer; this machine has no apt-get"):
        install.packages()


def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "FREE_GB", 10**9)
    with pytest.raises(StackError, match="GB are free on the disk"):
        install.install()
