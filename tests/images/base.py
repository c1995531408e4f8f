"""The base of the images: pulled, or where no registry can be reached made here by mmdebstrap.

What is made here is what the Dockerfile takes as BASE from a registry otherwise: Debian trixie with
Python 3.13, venv and certificates. The root file system is kept in the cache of this user.
"""

import hashlib
import shutil
import time
from pathlib import Path

from tests.images.engines import Engine
from tests.stack import install
from tests.stack.install import cache, only_one, run_logged, say

DEFAULT = "python:3.13-slim-trixie"
SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
SECURITY = "deb http://deb.debian.org/debian-security trixie-security main"
PACKAGES = ("python3", "python3-venv", "ca-certificates", "netbase", "tzdata", "binutils")
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
KEPT_DAYS = 30  # then it is made anew: Debian's security updates


def get(engine: Engine, wanted: str = "") -> str:
    """Name of the base to build on: `wanted` as it is, else the default, else one made here."""
    if wanted:
        return wanted
    reason = engine.reason_not_pulled(DEFAULT)
    if not reason:
        return DEFAULT
    name = f"localhost/ucc-intel/base:{_digest()}"
    root = _root()
    if engine.identity(name)[0] and _fresh(root):
        return name
    with only_one(cache() / "images-base.lock"):
        if not _fresh(root):
            say(f"{DEFAULT} cannot be pulled here ({reason}).")
            _make(root)
        engine.import_root(root, name)
    return name


def _root() -> Path:
    return cache() / f"base-{SUITE}-{_digest()}.tar"


def _digest() -> str:
    return hashlib.sha256(" ".join(_command(Path("root.tar"))).encode()).hexdigest()[:12]


def _fresh(root: Path) -> bool:
    return root.exists() and time.time() - root.stat().st_mtime < KEPT_DAYS * 86400


def _command(target: Path) -> list[str]:
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    packages = f"--include={','.join(PACKAGES)}"
    return ["mmdebstrap", "--variant=essential", packages, *excluded, SUITE, str(target), MIRROR]


def _make(root: Path) -> None:
    if not shutil.which("mmdebstrap"):
        install.more_packages(["mmdebstrap", "debian-archive-keyring"])
    say(f"making a base of Debian {SUITE} with Python 3.13 instead (mmdebstrap, about 30 s) ...")
    root.parent.mkdir(parents=True, exist_ok=True)
    fresh = root.with_suffix(".new.tar")
    run_logged(
        [*_command(fresh), SECURITY],
        "mmdebstrap could not make the base image",
        f"check the network ({MIRROR}), or give an image that can be had: make images BASE=...",
    )
    fresh.replace(root)
