"""The processes of a cluster, for the supervisor of tests.stack; `light` and `full` choose."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.cluster import binaries, identities
from tests.cluster.home import Home
from tests.stack import programs
from tests.stack.spec import Spec

CONTROLLERS = (
    "job-controller", "garbage-collector-controller", "serviceaccount-controller",
    "namespace-controller", "root-ca-certificate-publisher-controller",
    "pod-garbage-collector-controller", "ttl-after-finished-controller", "deployment-controller",
    "replicaset-controller",
)  # fmt: skip
"""What works without a node; `full` runs all."""


@dataclass(frozen=True)
class Address:
    """Where a cluster listens; etcd is never reached from outside."""

    host: str
    apiserver: int = 6443
    etcd: int = 2379
    etcd_peer: int = 2380
    etcd_health: int = 2381

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://{self.host}:{self.apiserver}"


def environment(home: Home) -> dict[str, str]:
    """The environment of every component: nothing of the caller's but where programs are."""
    path = f"{os.environ.get('PATH', os.defpath)}:{programs.EXTRA_PATH}"
    return {"PATH": path, "HOME": str(home.folder), "LANG": "C.UTF-8"}


def spec(
    home: Home,
    name: str,
    argv: Sequence[str],
    *,
    needs: Iterable[str] = (),
    ready: Sequence[str] = (),
    task: bool = False,
) -> Spec:
    """A component that runs in the folder of its cluster.

    What kubelet and containerd write is read by containers that are not root.
    """
    return Spec(
        name, tuple(argv), environment(home), tuple(needs), tuple(ready), task=task,
        cwd=str(home.folder), umask=0o022,
    )  # fmt: skip


def options(given: Mapping[str, object]) -> list[str]:
    """`--name=value` of each."""
    return [f"--{name}={value}" for name, value in given.items()]


def etcd(home: Home, at: Address) -> Spec:
    """etcd; from outside its namespace only its health is to be seen, by a port of its own."""
    client, peer = f"http://127.0.0.1:{at.etcd}", f"http://127.0.0.1:{at.etcd_peer}"
    health = f"http://{at.host}:{at.etcd_health}"
    given = {
        "listen-metrics-urls": health,
        "data-dir": home.folder / "etcd",
        "listen-client-urls": client, "advertise-client-urls": client,
        "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
        "log-level": "warn", "logger": "zap",
    }  # fmt: skip
    return spec(
        home, "etcd", [programs.find("etcd"), *options(given)], ready=("http", f"{health}/health")
    )


def apiserver(home: Home, at: Address, more: Mapping[str, object]) -> Spec:
    """The API server; ready when its own checks pass."""
    keys = home.folder / "keys"
    given = {
        "etcd-servers": f"http://127.0.0.1:{at.etcd}",
        "bind-address": at.host, "advertise-address": at.host, "secure-port": at.apiserver,
        "tls-cert-file": keys / "apiserver.crt", "tls-private-key-file": keys / "apiserver.key",
        "client-ca-file": keys / "ca.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": keys / "accounts.pub",
        "service-account-signing-key-file": keys / "accounts.key",
        "service-cluster-ip-range": f"{identities.SERVICES}.0/24",
        "authorization-mode": "Node,RBAC", "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true", "profiling": "false",
        # its statistics wait for what Debian's etcd cannot tell, and keep SIGTERM waiting as well
        "feature-gates": "SizeBasedListCostEstimate=false", **more,
    }  # fmt: skip
    return spec(
        home, "apiserver", [str(binaries.program("kube-apiserver")), *options(given)],
        needs=["etcd"], ready=("exec", *kubectl(home, "get", "--raw", "/readyz")),
    )  # fmt: skip


def kubectl(home: Home, *args: str) -> tuple[str, ...]:
    """A command of kubectl, as readiness check or task."""
    program = (str(binaries.program("kubectl")), "--kubeconfig", str(home.kubeconfig))
    return (*program, "--cache-dir", str(home.folder / "discovery"), *args)


def controller_manager(home: Home, controllers: Sequence[str], more: Mapping[str, object]) -> Spec:
    """The controllers; ready when they have made the first service account."""
    keys = home.folder / "keys"
    given = {
        "kubeconfig": identities.path(home, "controller-manager"),
        "controllers": ",".join(controllers),
        "use-service-account-credentials": "true",
        "service-account-private-key-file": keys / "accounts.key",
        "root-ca-file": keys / "ca.crt",
        "leader-elect": "false", "secure-port": 0, "profiling": "false",
        "kube-api-qps": 200, "kube-api-burst": 400, **more,
    }  # fmt: skip
    account = kubectl(home, "get", "serviceaccount", "default", "-n", "default")
    makes_accounts = {"*", "serviceaccount-controller"} & set(controllers)
    return spec(
        home, "controller-manager",
        [str(binaries.program("kube-controller-manager")), *options(given)],
        needs=["apiserver"], ready=("exec", *account) if makes_accounts else (),
    )  # fmt: skip
