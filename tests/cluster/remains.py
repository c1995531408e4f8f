"""Find and end every process of a full cluster: by its network namespace, and by its cgroup.

Shims and containers outlive containerd, and everything outlives a supervisor that was killed.
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.isolation import Isolation
from tests.stack.proc import PROC, Identity, identify

GONE_S = 15.0


def end(isolation: Isolation) -> None:
    """SIGKILL until nothing of the cluster runs; ClusterError where something cannot be killed."""
    end_of_patience = time.monotonic() + GONE_S
    while found := processes(isolation):
        if time.monotonic() > end_of_patience:
            pids = ", ".join(str(who.pid) for who in found)
            raise ClusterError(f"processes of {isolation.name} cannot be killed: {pids}.")
        for who in found:
            if who.alive:
                with suppress(ProcessLookupError):
                    os.kill(who.pid, signal.SIGKILL)
        time.sleep(0.05)


def processes(isolation: Isolation) -> list[Identity]:
    """Every process in the network namespace or the cgroup of a cluster, but this one."""
    pids = _in_network(isolation.network) | _in_cgroups(isolation.cgroups())
    found = [identify(pid) for pid in sorted(pids - {os.getpid()})]
    return [who for who in found if who.alive]


def _in_network(network: Path) -> set[int]:
    try:
        status = network.stat()
    except FileNotFoundError:
        return set()
    if status.st_dev == network.parent.stat().st_dev:
        return set()  # an empty file that a crash left: it is no namespace
    wanted, found = status.st_ino, set[int]()
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):
            if (folder / "ns" / "net").stat().st_ino == wanted:
                found.add(int(folder.name))
    return found


def _in_cgroups(places: list[Path]) -> set[int]:
    found = set()
    for place in places:
        for path in place.rglob("cgroup.procs"):
            with suppress(OSError):
                found |= {int(line) for line in path.read_text().split()}
    return found
