"""What the images are made of: the files, and what their labels say about them."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services import __version__
from tests.stack.config import REPO

TARGETS = ("api", "worker", "operator")
DOCKERFILE = REPO / "services" / "Dockerfile"
INPUTS = ("services", "migrations", "operators", ".dockerignore")


@dataclass(frozen=True)
class Source:
    """One state of the files. Revision and date are of the last commit that touched them."""

    version: str
    revision: str
    created: str
    digest: str

    @classmethod
    def now(cls, repo: Path = REPO) -> "Source":
        """The files as they are; a revision with `+changes` where they are not committed."""
        revision, _, created = _git(repo, "log", "-1", "--format=%H %cI", "--", *INPUTS).partition(
            " "
        )
        if _git(repo, "status", "--porcelain", "--", *INPUTS):
            revision += "+changes"
        digest = digest_of(repo)
        return cls(__version__, revision or "unknown", created or "1970-01-01T00:00:00Z", digest)

    def labels(self, url: str = "") -> dict[str, str]:
        """What changes from build to build, and where the files are published."""
        told = {"version": self.version, "revision": self.revision, "created": self.created}
        told |= {"source": url} if url else {}
        return {f"org.opencontainers.image.{name}": value for name, value in told.items()}


def digest_of(repo: Path) -> str:
    """Changes with any file that can reach an image."""
    known = hashlib.sha256()
    for path in _files(repo):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        known.update(f"{path.relative_to(repo)} {content}\n".encode())
    return known.hexdigest()


def _files(repo: Path) -> Iterator[Path]:
    for name in INPUTS:
        top = repo / name
        found = sorted(top.rglob("*")) if top.is_dir() else [top]
        yield from (
            p for p in found if p.is_file() and p.suffix != ".md" and "__pycache__" not in p.parts
        )


def _git(repo: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", repo, *words], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
