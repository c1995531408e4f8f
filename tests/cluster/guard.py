"""The allow list: only a cluster that this package made is ever spoken to.

A kubeconfig passes when its folder carries our mark, its context is `ucc-intel-test-...`, and its
server is on loopback or in the network that full clusters have to themselves. What KUBECONFIG or
~/.kube/config name is never looked at.
"""

import ipaddress
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cluster.errors import ForeignCluster
from tests.cluster.home import CONTEXT, MARK

NODES = ipaddress.ip_network("10.213.0.0/16")
"""Addresses of the nodes of full clusters, each in a namespace of this machine."""


def allowed_context(kubeconfig: Path) -> str:
    """The context to use of a kubeconfig of ours; ForeignCluster for any other."""
    try:
        body = json.loads(kubeconfig.read_text())
    except FileNotFoundError:
        raise _refused(kubeconfig, "it does not exist; `make cluster` makes one") from None
    except ValueError:
        raise _refused(kubeconfig, "tests.cluster did not write it") from None
    if not (kubeconfig.parent / MARK).exists():
        raise _refused(kubeconfig, "its folder is not that of a cluster of tests.cluster")
    return _context(kubeconfig, body)


def _context(kubeconfig: Path, body: dict[str, Any]) -> str:
    name = str(body.get("current-context", ""))
    if not name.startswith(CONTEXT):
        raise _refused(kubeconfig, f"its context {name!r} does not begin with {CONTEXT}")
    contexts = {entry["name"]: entry["context"] for entry in body["contexts"]}
    servers = {entry["name"]: entry["cluster"]["server"] for entry in body["clusters"]}
    server = servers[contexts[name]["cluster"]]
    if not allowed_server(server):
        raise _refused(kubeconfig, f"its server {server} is not in a namespace of this machine")
    return name


def allowed_server(url: str) -> bool:
    """True for an address on loopback or in the network of our nodes."""
    try:
        address = ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_loopback or address in NODES


def _refused(kubeconfig: Path, why: str) -> ForeignCluster:
    return ForeignCluster(
        f"{kubeconfig} is refused: {why}. Tests and make targets touch only clusters made by "
        "`python -m tests.cluster` (context ucc-intel-test-*)."
    )
