"""Which files make an image what it is, and what its labels say."""

import subprocess
from pathlib import Path

import pytest

from services import __version__
from tests.images.source import INPUTS, Source, digest_of


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit that has a file for each input, and a test."""
    for name in INPUTS:
        path = tmp_path / (name if name.startswith(".") else f"{name}/a.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text("a = 1\n")
    (tmp_path / "tests").mkdir()
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(repo: Path, *words: str) -> str:
    """Output of git in a repository."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(repo), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(repo: Path) -> str:
    """Commit all; the id."""
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Change", "--allow-empty")
    return git(repo, "rev-parse", "HEAD")


def test_a_changed_file_changes_the_digest(repo: Path) -> None:
    before = digest_of(repo)
    (repo / "operators" / "a.py").write_text("a = 2\n")
    assert digest_of(repo) != before


def test_a_renamed_file_changes_the_digest(repo: Path) -> None:
    before = digest_of(repo)
    (repo / "services" / "a.py").rename(repo / "services" / "b.py")
    assert digest_of(repo) != before


@pytest.mark.parametrize(
    "name", ["tests/test_a.py", "services/README.md", "services/__pycache__/a"]
)
def test_a_file_that_no_image_holds_does_not(repo: Path, name: str) -> None:
    before = digest_of(repo)
    (repo / name).parent.mkdir(exist_ok=True)
    (repo / name).write_text("x")
    assert digest_of(repo) == before


def test_the_revision_is_the_last_commit_of_the_files(repo: Path) -> None:
    held = git(repo, "rev-parse", "HEAD")
    (repo / "tests" / "test_a.py").write_text("x")
    assert commit(repo) != held
    assert Source.now(repo).revision == held


def test_what_is_not_committed_is_told(repo: Path) -> None:
    (repo / "services" / "a.py").write_text("a = 2\n")
    assert Source.now(repo).revision.endswith("+changes")


def test_without_git_the_revision_is_unknown(tmp_path: Path) -> None:
    for name in INPUTS:
        (tmp_path / name).touch()
    source = Source.now(tmp_path)
    assert (source.version, source.revision) == (__version__, "unknown")


def test_the_address_is_told_where_there_is_one() -> None:
    source = Source("1.0.0", "abc", "2026-01-02T03:04:05Z", "")
    told = source.labels("https://code.example/ucc-intel")
    assert told == source.labels() | {
        "org.opencontainers.image.source": "https://code.example/ucc-intel"
    }
