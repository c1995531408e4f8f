"""`python -m tests.cluster COMMAND`: a Kubernetes cluster as local processes, behind the Makefile.

CLUSTER_NAME and CLUSTER_DIR make a second one beside the first.
"""

import argparse
import shlex
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import binaries, full, light
from tests.cluster.errors import ClusterError
from tests.cluster.full import Cluster
from tests.cluster.home import Home
from tests.cluster.isolation import require_root
from tests.stack import commands
from tests.stack.control import State
from tests.stack.errors import exit_by
from tests.stack.install import say


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    sub = top.add_subparsers(dest="command", required=True)
    sub.add_parser("up", help="install, build and start what does not run yet")
    sub.add_parser("down", help="stop everything and delete its data")
    sub.add_parser("status", help="each process with its state, pid, uptime, restarts")
    loading = sub.add_parser("load", help="import images from docker-archives into the node")
    loading.add_argument("archives", nargs="+", type=Path, metavar="TAR")
    install = sub.add_parser("install", help="packages and programs, nothing started")
    install.add_argument("--light", action="store_true", help="only those of the light form")
    return top


def main() -> int:
    """Run one command; the exit code."""
    options = parser().parse_args()
    home = Home.from_environment()
    match options.command:
        case "up":
            up(home)
        case "down":
            down(home)
        case "status":
            return 0 if commands.status(home, "make cluster", "make cluster-down") else 1
        case "load":
            load(home, options.archives)
        case "install":
            install(light_only=options.light)
    return 0


def up(home: Home) -> None:
    """Start the cluster; for `eval "$(make -s cluster)"` only the export line is on stdout."""
    begun = time.monotonic()
    cluster = Cluster(home.name, home=home).start(say)
    say(f"cluster {home.name} is up after {time.monotonic() - begun:.0f} s")
    say(f"  kubeconfig   {home.kubeconfig} (context {home.context})")
    say(f"  kubectl      {binaries.program('kubectl')}")
    say(f"  node         {cluster.node_ip}; pods reach this machine at {cluster.host_ip}")
    print(f"export KUBECONFIG={shlex.quote(str(home.kubeconfig))}")


def down(home: Home) -> None:
    """Stop the cluster; nothing of it is left."""
    ran = Cluster(home.name, home=home).stop()
    if home.is_ours:
        shutil.rmtree(home.folder)
    say("stopped" if ran else "nothing was running")


def load(home: Home, archives: Sequence[Path]) -> None:
    """Import images into the running cluster; ClusterError where there is none."""
    if not State.read(home.folder).running:
        raise ClusterError(f"cluster {home.name} is not up: `make cluster` starts it.")
    cluster = Cluster(home.name, home=home)
    for archive in archives:
        cluster.load(archive)
        say(f"loaded {archive.name}")


def install(*, light_only: bool) -> None:
    """Bring packages and programs; ClusterError at once where the full form cannot run."""
    if not light_only:
        require_root()
        full.install_packages()
    light.install_etcd()
    binaries.build(binaries.LIGHT if light_only else binaries.FULL)


if __name__ == "__main__":
    exit_by(main)
