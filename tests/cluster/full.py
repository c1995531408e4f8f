"""The full form: one node on which pods really run, apart from the machine by namespaces.

    with Cluster("mine") as cluster:
        cluster.load(Path("operator.tar"))
        cluster.apply(manifests)        # a database on cluster.host_ip is reachable from pods

Needs root. Pods reach the machine (`host_ip`) and nothing beyond it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tests.cluster import binaries, components, identities, image, node, registry, remains
from tests.cluster.base import BaseCluster
from tests.cluster.components import Address, options
from tests.cluster.errors import ClusterError
from tests.cluster.home import MARK, STARTING, Home
from tests.cluster.isolation import Isolation, require_root
from tests.stack import control, install, programs
from tests.stack.control import State
from tests.stack.proc import NOBODY, identify
from tests.stack.spec import Spec

PACKAGES = {
    "etcd": "etcd-server", "runc": "runc", "iptables": "iptables", "ip": "iproute2",
    f"{node.PLUGINS}/bridge": "containernetworking-plugins",
}  # fmt: skip


class Cluster(BaseCluster):
    """Control plane, scheduler, kubelet, containerd, kube-proxy and CoreDNS."""

    def __init__(self, name: str = "full", *, home: Home | None = None) -> None:
        super().__init__(name, home)

    def prepare(self) -> list[Spec]:
        """Install, build, isolate and configure; all components."""
        require_root()
        install_packages()
        binaries.build(binaries.FULL)
        self.isolation.create()
        at = Address(self.node_ip)
        identities.write(self.home, at.server, at.host)
        node.write(self.home, self.isolation)
        if not node.files(self.home).images.exists():
            image.write_busybox(node.files(self.home).images)
        return [*self._control_plane(at), *self._node(at)]

    @cached_property
    def isolation(self) -> Isolation:
        """The namespaces of this cluster; what crashed ones left is removed first."""
        with registry.lock():
            sweep()
            if not State.read(self.home.folder).running:
                clean(self.home.folder)
                control.stop(self.home)
                wipe(self.home)
            owner = identify(os.getpid()) if self.throw_away else NOBODY
            return Isolation(registry.enter(self.home, owner).number)

    def launcher(self) -> Sequence[str]:
        """The supervisor starts inside the namespaces, and with it everything that it starts."""
        mounts = [programs.find("unshare"), "--mount", "--propagation", "private"]
        inside = [sys.executable, "-m", "tests.cluster.inside", str(self.home.folder)]
        return [*self.isolation.enter(), *mounts, *inside]

    def after_stop(self) -> None:
        """End what outlived its supervisor, remove the namespaces, delete the data."""
        with registry.lock():
            clean(self.home.folder)
            wipe(self.home)
        self.__dict__.pop("isolation", None)

    @property
    def host_ip(self) -> str:
        """Address of this machine that pods reach: a server listening there serves them."""
        return self.isolation.host_ip

    @property
    def node_ip(self) -> str:
        """Address of the node; what pods send to the machine comes from it."""
        return self.isolation.node_ip

    def load(self, archive: Path) -> None:
        """Import images, as `docker save` or `buildah push docker-archive:` writes them."""
        done = subprocess.run(
            [*self._ctr(), "images", "import", str(archive)], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise ClusterError(f"{archive} cannot be imported: {done.stderr.strip()}")

    def _ctr(self) -> list[str]:
        socket = str(node.files(self.home).socket)
        return [str(binaries.program("ctr")), "--address", socket, "--namespace", "k8s.io"]

    def _control_plane(self, at: Address) -> list[Spec]:
        keys = self.home.folder / "keys"
        to_kubelet = {
            "kubelet-client-certificate": keys / "kubelet-client.crt",
            "kubelet-client-key": keys / "kubelet-client.key",
            "kubelet-certificate-authority": keys / "ca.crt",
            # logs and exec would look the node's name up otherwise
            "kubelet-preferred-address-types": "InternalIP",
        }
        scheduler = {
            "kubeconfig": identities.path(self.home, "scheduler"), "leader-elect": "false",
            "secure-port": 0, "profiling": "false",
        }  # fmt: skip
        return [
            components.etcd(self.home, at),
            components.apiserver(self.home, at, to_kubelet),
            components.controller_manager(self.home, ["*"], {}),
            self._spec("scheduler", ["kube-scheduler", *options(scheduler)], ["apiserver"]),
        ]

    def _node(self, at: Address) -> list[Spec]:
        files = node.files(self.home)
        kubelet = {
            "config": files.kubelet, "kubeconfig": identities.path(self.home, "kubelet"),
            "hostname-override": identities.NODE, "node-ip": at.host,
        }  # fmt: skip
        proxy = {
            "kubeconfig": identities.path(self.home, "proxy"), "proxy-mode": "iptables",
            "hostname-override": identities.NODE, "cluster-cidr": self.isolation.pods,
            "healthz-bind-address": f"{at.host}:10256",
            # read-only inside the namespace
            "conntrack-max-per-core": 0, "conntrack-tcp-timeout-established": 0,
            "conntrack-tcp-timeout-close-wait": 0,
        }  # fmt: skip
        is_ready = ("wait", "--for=condition=Ready", f"node/{identities.NODE}", "--timeout=1s")
        version = ("exec", *self._ctr(), "version")
        imported = [*self._ctr()[1:], "images", "import", str(files.images)]
        applied = components.kubectl(self.home, "apply", "-f", str(files.addons))
        answers = ("http", f"http://{at.host}:8181/ready")
        healthy = ("http", f"http://{at.host}:10256/healthz")
        ready = ("exec", *components.kubectl(self.home, *is_ready))
        return [
            self._spec(
                "containerd", ["containerd", "--config", str(files.containerd)], [], version
            ),
            self._spec("images", ["ctr", *imported], ["containerd"], task=True),
            self._spec("kubelet", ["kubelet", *options(kubelet)], ["images", "apiserver"], ready),
            self._spec("proxy", ["kube-proxy", *options(proxy)], ["apiserver"], healthy),
            components.spec(self.home, "addons", applied, needs=["apiserver"], task=True),
            self._spec("coredns", ["coredns", "-conf", str(files.corefile)], ["addons"], answers),
        ]

    def _spec(
        self,
        name: str,
        argv: Sequence[str],
        needs: Sequence[str],
        ready: Sequence[str] = (),
        *,
        task: bool = False,
    ) -> Spec:
        """A component whose program we built."""
        command = [str(binaries.program(argv[0])), *argv[1:]]
        return components.spec(self.home, name, command, needs=needs, ready=ready, task=task)


def sweep() -> None:
    """Remove the clusters whose test process was killed; the caller holds the registry's lock."""
    for record in registry.records():
        if record.orphaned:
            control.stop(record.home)
            clean(record.home.folder)
            if record.home.is_ours:
                shutil.rmtree(record.home.folder)


def clean(folder: Path) -> None:
    """End every process of a stopped cluster, remove its namespaces, forget it."""
    for record in registry.records():
        if record.folder == str(folder):
            isolation = Isolation(record.number)
            remains.end(isolation)
            isolation.delete()
            registry.leave(record)


def wipe(home: Home) -> None:
    """Delete the data of a cluster that does not run: the next start begins anew."""
    for path in home.folder.iterdir() if home.is_ours else ():
        if path.name not in (MARK, STARTING, "lock", "logs"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def install_packages() -> None:
    """Bring by apt-get what the full form needs and is not there."""
    missing = [package for program, package in PACKAGES.items() if not programs.find(program)]
    if not image.busybox():
        missing.append("busybox-static")
    install.more_packages(missing)
