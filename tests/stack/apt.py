"""Install Debian packages without letting them start servers: `python -m tests.stack.apt NAME...`.

A freshly installed postgresql, redis-server or pgbouncer starts itself on the very ports of the
stack. Debian's own switches prevent it: a policy-rc.d that answers 101, and create_main_cluster =
false. Both are put back afterwards; what a killed run left is recognised by MARK.
Needs root.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

MARK = "# written by ucc-intel while it installs packages; may be deleted\n"
POLICY = Path("/usr/sbin/policy-rc.d")
CLUSTER = Path("/etc/postgresql-common/createcluster.d/ucc-intel.conf")


@contextlib.contextmanager
def file_instead(path: Path, text: str, mode: int) -> Iterator[None]:
    """`path` holds `text` within the block; what stood there before comes back after it."""
    kept = path.with_name(path.name + ".before-ucc-intel")
    if path.exists() and MARK not in path.read_text(errors="replace"):
        shutil.copy2(path, kept)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".ucc-intel")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)
    try:
        yield
    finally:
        if kept.exists():
            kept.replace(path)
        else:
            path.unlink(missing_ok=True)


def install(packages: Sequence[str]) -> None:
    """Run apt-get as root; subprocess.CalledProcessError where it fails."""
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Options::=--force-confold"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with (
        file_instead(POLICY, f"#!/bin/sh\n{MARK}exit 101\n", 0o755),
        file_instead(CLUSTER, f"{MARK}create_main_cluster = false\n", 0o644),
    ):
        subprocess.run([*apt, "-qq", "update"], env=env, check=True)
        command = [*apt, "-y", "-qq", "--no-install-recommends", "install", *packages]
        subprocess.run(command, env=env, check=True)


if __name__ == "__main__":
    try:
        install(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
