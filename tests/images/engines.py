"""Who builds: docker where its daemon answers, else buildah, which needs none."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from tests.images.source import DOCKERFILE
from tests.stack import install
from tests.stack.config import REPO
from tests.stack.errors import StackError
from tests.stack.install import run_logged

# What pip on this machine is configured with; a build only gets what exists.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PIP = (Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf", Path("/etc/pip.conf"))
ANSWER_S = 10
PULL_S = 600


@dataclass(frozen=True)
class Recipe:
    """One image to be built."""

    target: str
    names: tuple[str, ...]
    arguments: Mapping[str, str]
    labels: Mapping[str, str]

    def options(self) -> list[str]:
        """The command line that docker and buildah have in common."""
        words = ["-f", str(DOCKERFILE), "--target", self.target]
        words += [w for k, v in self.arguments.items() for w in ("--build-arg", f"{k}={v}")]
        words += [w for k, v in self.labels.items() for w in ("--label", f"{k}={v}")]
        words += [w for k, v in secrets().items() for w in ("--secret", f"id={k},src={v}")]
        words += [w for name in self.names for w in ("-t", name)]
        return [*words, str(REPO)]


def secrets(pip: Sequence[Path] = PIP, certificates: Path = CERTIFICATES) -> dict[str, Path]:
    """Files that pip in the build reads as pip here does; they stay out of every layer."""
    found = {"pip": next((path for path in pip if path.is_file()), None)}
    found["certificates"] = certificates if certificates.is_file() else None
    return {name: path for name, path in found.items() if path}


class Engine(Protocol):
    """What `build` needs of a program that builds images."""

    name: str

    def reason_not_pulled(self, image: str) -> str:
        """Pull; '' where that worked or was not needed, else why not."""

    def import_root(self, tar: Path, image: str) -> None:
        """Make an image of one layer out of a root file system."""

    def build(self, recipe: Recipe) -> None:
        """Build one image; StackError with the last line where that fails."""

    def identity(self, image: str) -> tuple[str, Mapping[str, str]]:
        """Id and labels of an image; ('', {}) where there is none."""

    def save(self, image: str, name: str, tar: Path) -> None:
        """Write a docker-archive of the image under this name."""


class Docker:
    """The docker command line with BuildKit."""

    name = "docker"

    def reason_not_pulled(self, image: str) -> str:
        """Pull; '' where that worked or was not needed, else why not."""
        return "" if self.identity(image)[0] else _failure(["docker", "pull", "-q", image])

    def import_root(self, tar: Path, image: str) -> None:
        """Make an image of one layer out of a root file system."""
        _run(["docker", "import", str(tar), image])

    def build(self, recipe: Recipe) -> None:
        """Build one image; StackError with the last line where that fails."""
        _run(["env", "DOCKER_BUILDKIT=1", "docker", "build", *recipe.options()])

    def identity(self, image: str) -> tuple[str, Mapping[str, str]]:
        """Id and labels of an image; ('', {}) where there is none."""
        found = _json(["docker", "image", "inspect", image])
        if not found:
            return "", {}
        return found[0]["Id"].removeprefix("sha256:"), found[0]["Config"].get("Labels") or {}

    def save(self, image: str, name: str, tar: Path) -> None:
        """Write a docker-archive of the image under this name."""
        _run(["docker", "tag", image, name])
        _run(["docker", "save", "-o", str(tar), name])


class Buildah:
    """buildah with its chroot isolation: no daemon, no runtime, no network of its own."""

    name = "buildah"

    def reason_not_pulled(self, image: str) -> str:
        """Pull; '' where that worked or was not needed, else why not."""
        return "" if self.identity(image)[0] else _failure(["buildah", "pull", "-q", image])

    def import_root(self, tar: Path, image: str) -> None:
        """Make an image of one layer out of a root file system."""
        container = _output(["buildah", "from", "scratch"])
        try:
            _run(["buildah", "add", "-q", container, str(tar), "/"])
            _run(["buildah", "commit", "-q", container, image])
        finally:
            _run(["buildah", "rm", container])

    def build(self, recipe: Recipe) -> None:
        """Build one image; StackError with the last line where that fails."""
        _run(["buildah", "bud", "--layers", "--isolation", "chroot", *recipe.options()])
        if not recipe.labels.items() <= self.identity(recipe.names[0])[1].items():
            self._label(recipe)

    def _label(self, recipe: Recipe) -> None:
        """An image that came whole from the cache has the labels of the build before."""
        labels = [w for k, v in recipe.labels.items() for w in ("--label", f"{k}={v}")]
        container = _output(["buildah", "from", "--pull-never", recipe.names[0]])
        try:
            _run(["buildah", "config", *labels, container])
            for name in recipe.names:
                _run(["buildah", "commit", "-q", container, name])
        finally:
            _run(["buildah", "rm", container])

    def identity(self, image: str) -> tuple[str, Mapping[str, str]]:
        """Id and labels of an image; ('', {}) where there is none."""
        found = _json(["buildah", "inspect", "--type", "image", image])
        if not found:
            return "", {}
        return found["FromImageID"], found["OCIv1"]["config"].get("Labels") or {}

    def save(self, image: str, name: str, tar: Path) -> None:
        """Write a docker-archive of the image under this name."""
        tar.unlink(missing_ok=True)
        _run(["buildah", "push", "-q", image, f"docker-archive:{tar}:{name}"])


@cache
def choose() -> Engine:
    """docker if a daemon answers, else buildah, installed where it is missing."""
    if shutil.which("docker") and not _failure(["docker", "version"], ANSWER_S):
        return Docker()
    if not shutil.which("buildah"):
        install.more_packages(["buildah"])
    return Buildah()


def _run(argv: Sequence[str]) -> None:
    words = " ".join(argv[:2])
    run_logged(argv, f"{words} failed", "see why, then run this again")


def _output(argv: Sequence[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except subprocess.CalledProcessError as error:
        raise StackError(f"{' '.join(argv)} failed: {error.stderr.strip()}") from None


def _json(argv: Sequence[str]) -> Any:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def _failure(argv: Sequence[str], seconds: float = PULL_S) -> str:
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=seconds, check=False, env=_english()
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:.0f} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _english() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8"}
