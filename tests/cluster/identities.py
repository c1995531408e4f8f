"""Who speaks to the API server of one cluster: the files of keys and kubeconfigs in its folder."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.certificates import Authority, Pair, key_pair, write_key
from tests.cluster.home import Home
from tests.stack.spec import write_private

SERVICES = "10.215.0"
"""First three numbers of the addresses of services, which exist inside a cluster only."""
SERVER_NAMES = (
    "127.0.0.1", "localhost", f"{SERVICES}.1", "kubernetes", "kubernetes.default",
    "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
)  # fmt: skip
NODE = "node"
CALLERS: dict[str, tuple[str, Sequence[str]]] = {
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "kubelet": (f"system:node:{NODE}", ("system:nodes",)),
    "proxy": ("system:kube-proxy", ()),
    "coredns": ("system:coredns", ()),
}


def write(home: Home, server: str, address: str) -> None:
    """Write all keys and kubeconfigs, unless they are there; `address` is the API server's own.

    They outlive a stop: who kept the kubeconfig can go on with it after the next start.
    """
    if home.kubeconfig.exists() and f'"{server}"' in home.kubeconfig.read_text():
        return
    keys = home.folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    authority = Authority()
    (keys / "ca.crt").write_bytes(authority.certificate)
    authority.server("kube-apiserver", [*SERVER_NAMES, address]).write(keys, "apiserver")
    authority.server("kubelet", [NODE, address]).write(keys, "kubelet-server")
    authority.client("kubelet-client", ["system:masters"]).write(keys, "kubelet-client")
    private, public = key_pair()
    write_key(keys / "accounts.key", private)
    (keys / "accounts.pub").write_bytes(public)
    for name, (user, groups) in CALLERS.items():
        pair = authority.client(user, groups)
        write_private(keys / f"{name}.kubeconfig", kubeconfig(name, server, authority, pair))
    administrator = authority.client("administrator", ["system:masters"])
    write_private(home.kubeconfig, kubeconfig(home.context, server, authority, administrator))


def kubeconfig(name: str, server: str, authority: Authority, pair: Pair) -> str:
    """A kubeconfig with one context, whole in itself (JSON, which is YAML too)."""
    cluster = {"server": server, "certificate-authority-data": _base64(authority.certificate)}
    user = {
        "client-certificate-data": _base64(pair.certificate),
        "client-key-data": _base64(pair.key),
    }
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    return json.dumps(body, indent=1)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def path(home: Home, caller: str) -> Path:
    """The kubeconfig of a component."""
    return home.folder / "keys" / f"{caller}.kubeconfig"
