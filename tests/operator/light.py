"""The light ring: an API server without nodes, our CRD and rights, and the operator's account."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster.errors import KubectlError
from tests.cluster.kubectl import Kubectl
from tests.cluster.light import LightCluster
from tests.stack.config import REPO

CRD = REPO / "charts" / "ucc-intel" / "crds" / "schemamigrations.yaml"
INSTALL = REPO / "operators" / "install"
SYSTEM, ACCOUNT = "ucc-intel-system", "ucc-intel-migrator"
CONTROLLERS = (
    "job-controller", "garbage-collector-controller", "serviceaccount-controller",
    "namespace-controller", "ttl-after-finished-controller",
)  # fmt: skip
"""Not those of Deployments: tests say themselves how far a rollout is."""


class Ring:
    """A cluster with all that `operators/install` puts there, the operator itself apart."""

    def __init__(self, cluster: LightCluster, operator: Path) -> None:
        self.cluster = cluster
        self.operator = operator
        """The kubeconfig of the operator's service account."""

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as the administrator."""
        return self.cluster.kubectl

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.cluster.kubeconfig

    @property
    def account(self) -> str:
        """The operator's service account, as `kubectl --as` has it."""
        return f"system:serviceaccount:{SYSTEM}:{ACCOUNT}"

    def answer(self, *words: str) -> str:
        """What kubectl prints, also where it exits with 1 to say no."""
        try:
            return self.kubectl(*words).strip()
        except KubectlError as error:
            return str(error).split(": ")[-1].strip()

    @property
    def server(self) -> str:
        """URL of the API server."""
        return str(json.loads(self.kubeconfig.read_text())["clusters"][0]["cluster"]["server"])

    def at(self, server: str, folder: Path) -> Path:
        """The operator's kubeconfig, the API server being reached at another address."""
        config = json.loads(self.operator.read_text())
        config["clusters"][0]["cluster"]["server"] = server
        path = folder / "behind.kubeconfig"
        path.write_text(json.dumps(config))
        return path


@contextmanager
def light_ring(folder: Path) -> Iterator[Ring]:
    """A light cluster while the block runs, installed as operators/README.md says."""
    with LightCluster(controllers=CONTROLLERS) as cluster:
        install(cluster.kubectl)
        yield Ring(cluster, account_of(cluster, folder))


def install(kubectl: Kubectl) -> None:
    """CRD, namespace and rights."""
    kubectl("apply", "-f", str(CRD))
    for name in ("namespace", "rbac", "all-namespaces"):
        kubectl("apply", "-f", str(INSTALL / f"{name}.yaml"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", f"-f{CRD}")


def account_of(
    cluster: LightCluster, folder: Path, account: str = ACCOUNT, namespace: str = SYSTEM
) -> Path:
    """A kubeconfig of the operator's service account: what it may not do, it cannot."""
    token = cluster.kubectl("create", "token", account, "-n", namespace, "--duration=24h").strip()
    config: dict[str, Any] = json.loads(cluster.kubeconfig.read_text())
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = folder / f"{namespace}-{account}.kubeconfig"
    path.write_text(json.dumps(config))
    return path
