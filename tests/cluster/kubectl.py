"""kubectl on a cluster of ours: the binary that `binaries` built, with the context spelled out."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import binaries
from tests.cluster.errors import ClusterError, KubectlError
from tests.cluster.guard import allowed_context

Manifest = str | Mapping[str, Any] | Iterable[Mapping[str, Any]]


class Kubectl:
    """Commands for the cluster of one kubeconfig; ForeignCluster for one that is not ours.

    `accounts`: a controller makes the service accounts of new namespaces.
    """

    def __init__(self, kubeconfig: Path, *, accounts: bool = True) -> None:
        self.accounts = accounts
        self.context = allowed_context(kubeconfig)
        program = str(binaries.program("kubectl"))
        self.argv = (program, "--kubeconfig", str(kubeconfig), "--context", self.context)
        # kubectl keeps what it discovered below HOME; two clusters on one address must not share it
        self._env = {"HOME": str(kubeconfig.parent)}

    def __call__(self, *args: str, input: str | None = None) -> str:
        """Run kubectl; what it prints; KubectlError with its message where it fails."""
        done = subprocess.run(
            [*self.argv, *args], input=input, env=self._env, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise KubectlError(f"kubectl {' '.join(args)}", done.stderr.strip() or done.stdout)
        return done.stdout

    def get(self, *args: str) -> dict[str, Any]:
        """`kubectl get ... -o json`, parsed."""
        body: dict[str, Any] = json.loads(self("get", *args, "-o", "json"))
        return body

    def apply(self, manifest: Manifest, namespace: str = "") -> str:
        """`kubectl apply` of YAML text, one object, or several."""
        where = ("-n", namespace) if namespace else ()
        return self("apply", *where, "-f", "-", input=as_text(manifest))

    @contextmanager
    def namespace(self, prefix: str = "t") -> Iterator[str]:
        """A namespace for this test alone, with its default service account; deleted after it."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        self("create", "namespace", name)
        try:
            if self.accounts:
                self._wait_account(name)
            yield name
        finally:
            self("delete", "namespace", name, "--wait=false", "--ignore-not-found")

    def _wait_account(self, namespace: str, seconds: float = 60.0) -> None:
        """Pods are refused until the controller has made the account."""
        end = time.monotonic() + seconds
        while not self("get", "sa", "default", "-n", namespace, "--ignore-not-found", "-o", "name"):
            if time.monotonic() > end:
                raise ClusterError(
                    f"namespace {namespace} has no service account after {seconds:.0f} s: is the "
                    "controller manager running? See its log."
                )
            time.sleep(0.1)


def as_text(manifest: Manifest) -> str:
    """What `kubectl apply -f -` reads."""
    if isinstance(manifest, str):
        return manifest
    if isinstance(manifest, Mapping):
        return json.dumps(manifest)
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifest)})
