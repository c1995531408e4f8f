"""What keeps a full cluster apart from the machine: network namespace, mount namespace, cgroup.

All of its processes start in one network namespace, joined to the machine by a veth pair, and in
one mount namespace, where the folders that kubelet and containerd insist on are the cluster's own.
Pods live below one cgroup. So all that belongs to a cluster is found without looking at names.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.stack import programs

NAMESPACES = Path("/run/netns")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Isolation:
    """Names and addresses of cluster number 1 to 255 of this machine."""

    number: int

    @property
    def name(self) -> str:
        """Name of the network namespace, of the veth's end on the machine, and of the cgroup."""
        return f"ucc-test-{self.number}"

    @property
    def host_ip(self) -> str:
        """The machine, as pods reach it."""
        return f"10.213.{self.number}.1"

    @property
    def node_ip(self) -> str:
        """The node, as the machine reaches it."""
        return f"10.213.{self.number}.2"

    @property
    def pods(self) -> str:
        """Network of the pods; the machine has a route to it."""
        return f"10.214.{self.number}.0/24"

    @property
    def network(self) -> Path:
        """The network namespace, as a file."""
        return NAMESPACES / self.name

    def create(self) -> None:
        """Make network namespace and cgroup, unless they are there."""
        if not self._whole():
            self.delete()
            self._create_network()
        for folder in self._cgroup_places():
            folder.mkdir(exist_ok=True)

    def _whole(self) -> bool:
        return self.network.exists() and (Path("/sys/class/net") / self.name).exists()

    def _create_network(self) -> None:
        ip("netns", "add", self.name)
        peer = ("type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "add", self.name, *peer)
        ip("addr", "add", f"{self.host_ip}/30", "dev", self.name)
        ip("link", "set", self.name, "up")
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "addr", "add", f"{self.node_ip}/30", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "route", "add", "default", "via", self.host_ip)
        ip("route", "replace", self.pods, "via", self.node_ip)
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        run([*self.enter(), "sh", "-c", forward])

    def delete(self) -> None:
        """Remove what `create` made; nothing of the cluster may run any more."""
        if (Path("/sys/class/net") / self.name).exists():
            ip("link", "delete", self.name)
        if self.network.exists():
            ip("netns", "delete", self.name)
        for place in self.cgroups():
            for folder, _, _ in os.walk(place, topdown=False):
                _remove(Path(folder))

    def enter(self) -> list[str]:
        """What a command begins with to run in the network namespace.

        Not `ip netns exec`: that mounts another /sys, where kubelet finds no cgroups.
        """
        return [programs.find("nsenter"), f"--net={self.network}"]

    def cgroups(self) -> list[Path]:
        """The cgroup of the pods, in each hierarchy of the machine (one with cgroup v2)."""
        return [place for place in self._cgroup_places() if place.is_dir()]

    def _cgroup_places(self) -> list[Path]:
        if (CGROUPS / "cgroup.controllers").exists():
            return [CGROUPS / self.name]
        hierarchies = {path.resolve() for path in CGROUPS.iterdir() if path.is_dir()}
        return [path / self.name for path in sorted(hierarchies)]


def _remove(cgroup: Path, seconds: float = 5.0) -> None:
    """Remove a cgroup as soon as its last process, killed before, has left it."""
    end = time.monotonic() + seconds
    while True:
        try:
            cgroup.rmdir()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def ip(*args: str) -> None:
    """Run ip(8)."""
    run([programs.find("ip"), *args])


def run(argv: Sequence[str]) -> None:
    """Run a command as root; ClusterError with what it said where it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(
            f"{' '.join(argv)}: {done.stderr.strip()}: a full cluster needs a machine, or a "
            "privileged container, that may make network namespaces."
        )


def require_root() -> None:
    """ClusterError for anybody but root, and where namespaces cannot be made."""
    if os.geteuid() != 0:
        raise ClusterError(
            "a full cluster needs root (namespaces, mounts, cgroups): run this with sudo, as "
            "root in CI. The light form (make test) needs none."
        )
    run([programs.find("unshare"), "--net", "--mount", "true"])
