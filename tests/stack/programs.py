"""The programs that a stack runs: where they are, and which Debian package brings a missing one."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

POSTGRES_FROM = 15
JAVA_FROM = 17
EXTRA_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # not on the PATH of Debian's ordinary users


def find(name: str) -> str:
    """Path of a program, '' where there is none."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{EXTRA_PATH}") or ""


def postgres_folder(root: Path = Path("/usr/lib/postgresql")) -> Path | None:
    """The bin folder of the newest PostgreSQL server that is new enough."""
    found = [
        (int(folder.parent.name), folder)
        for folder in root.glob("*/bin")
        if folder.parent.name.isdecimal() and (folder / "postgres").exists()
    ]
    fit = [pair for pair in found if pair[0] >= POSTGRES_FROM]
    return max(fit)[1] if fit else None


@cache
def java() -> str:
    """Path of a Java new enough for Kafka, '' where there is none."""
    path = find("java")
    if not path:
        return ""
    shown = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', shown)
    return path if version and int(version[1]) >= JAVA_FROM else ""


def missing_packages(*, jars_cached: bool) -> list[str]:
    """Debian packages to install before a stack can start."""
    needed = {
        "postgresql": postgres_folder() is not None,
        "pgbouncer": bool(find("pgbouncer")),
        "redis-server": bool(find("redis-server")),
        "default-jre-headless": bool(java()),
        "maven": jars_cached or bool(find("mvn")),
        "python3-venv": _can_make_venv(),
    }
    return [package for package, present in needed.items() if not present]


def _can_make_venv() -> bool:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        return False
    return True
