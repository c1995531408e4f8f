"""Where one cluster lives: its name, its folder, and the names that follow from them."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.stack.install import cache

MARK = "ucc-intel-cluster"  # a file that says "this folder is a cluster's and may be deleted"
STARTING = "starting"  # a file that is locked while somebody starts the cluster
CONTEXT = "ucc-intel-test-"
NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")


@dataclass(frozen=True)
class Home:
    """One cluster: `folder` holds its state, logs, keys and kubeconfig."""

    name: str
    folder: Path

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ClusterError(
                f"{self.name!r} is no name for a cluster: use at most 24 small letters, digits "
                "and hyphens, a letter first (CLUSTER_NAME)."
            )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Home":
        """The cluster of `make cluster`: CLUSTER_NAME and CLUSTER_DIR, or the user's one."""
        name = environ.get("CLUSTER_NAME") or "local"
        given = environ.get("CLUSTER_DIR")
        folder = Path(given).expanduser() if given else cache() / "clusters" / name
        return cls(name, folder.resolve())

    @property
    def context(self) -> str:
        """Name of its context, cluster and user in its kubeconfig."""
        return f"{CONTEXT}{self.name}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.folder / "kubeconfig"

    @property
    def is_ours(self) -> bool:
        """True for a folder that `claim` marked."""
        return (self.folder / MARK).exists()

    def claim(self) -> None:
        """Make the folder and mark it as ours; ClusterError for one that holds something else."""
        if self.folder.is_dir() and any(self.folder.iterdir()) and not self.is_ours:
            raise ClusterError(
                f"{self.folder} holds files that no cluster wrote: give CLUSTER_DIR an empty one."
            )
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            (self.folder / MARK).touch()
        except OSError as error:
            reason = error.strerror
            raise ClusterError(
                f"{self.folder} cannot be written ({reason}): set CLUSTER_DIR."
            ) from None
