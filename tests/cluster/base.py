"""What both forms share: start and stop under the supervisor, kubectl.

with LightCluster("mine") as cluster:
    cluster.apply(manifest)
    cluster.kill("apiserver")       # the supervisor starts it again
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from typing import Self

from tests.cluster import registry
from tests.cluster.home import STARTING, Home
from tests.cluster.kubectl import Kubectl, Manifest
from tests.stack import control
from tests.stack.control import State
from tests.stack.install import only_one
from tests.stack.proc import NOBODY, Identity, identify
from tests.stack.spec import Plan, Spec
from tests.stack.supervised import Supervised

PREFIX = "ucc-intel-cluster-"  # of the folders of throw-away clusters


class BaseCluster(Supervised):
    """One cluster. Without a `home` it is a test's own: it ends with this process at the latest,
    and its folder is deleted with it.
    """

    accounts = True  # a controller makes service accounts

    def __init__(self, name: str, home: Home | None = None) -> None:
        self.throw_away = home is None
        self.home = home or Home(name, Path(tempfile.mkdtemp(prefix=PREFIX)))
        super().__init__(self.home.folder)

    def launcher(self) -> Sequence[str]:
        """What the supervisor is started with."""
        return ()

    def after_stop(self) -> None:
        """Undo what `prepare` did outside the folder: for most forms nothing."""

    def start(self, tell: Callable[[str], None] = lambda _: None) -> Self:
        """Start what does not run yet; returns when all is ready."""
        sweep_folders()
        self.home.claim()
        with only_one(self.home.folder / STARTING):
            self.supervise(self.prepare(), tell)
        return self

    def supervise(
        self, specs: Sequence[Spec], tell: Callable[[str], None] = lambda _: None
    ) -> None:
        """Let these components run and no others; those of a throw-away cluster end with us."""
        owner = identify(os.getpid()) if self.throw_away else NOBODY
        control.start(self.home, specs, tell, owner, self.launcher())

    def stop(self) -> bool:
        """Stop everything, whatever state it is in; True if something ran."""
        ran = control.stop(self.home)
        if self.home.is_ours:
            self.after_stop()
        if self.throw_away:
            shutil.rmtree(self.home.folder, ignore_errors=True)
        return ran

    @property
    def name(self) -> str:
        """Name of the cluster."""
        return self.home.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; its context is ucc-intel-test-NAME."""
        return self.home.kubeconfig

    @cached_property
    def kubectl(self) -> Kubectl:
        """`cluster.kubectl("get", "pods", "-n", namespace)`."""
        return Kubectl(self.kubeconfig, accounts=self.accounts)

    def apply(self, manifest: Manifest, namespace: str = "") -> str:
        """`kubectl apply` of YAML text, one object, or several."""
        return self.kubectl.apply(manifest, namespace)

    def namespace(self, prefix: str = "t") -> AbstractContextManager[str]:
        """A namespace for this test alone: `with cluster.namespace() as name`."""
        return self.kubectl.namespace(prefix)


def sweep_folders() -> None:
    """Delete the folders of throw-away clusters whose test process was killed.

    Their components have ended with it; what has a record is swept by its form itself.
    """
    known = {record.folder for record in registry.records()}
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # of another user, or just being deleted by another test process
            if str(folder) not in known and _abandoned(folder):
                shutil.rmtree(folder)


def _abandoned(folder: Path) -> bool:
    plan = folder / "plan.json"
    if not plan.exists():
        return False
    owner, state = Identity(*Plan.load(plan).owner), State.read(folder)
    return bool(owner.pid) and not (owner.alive or state.running or state.leftovers())
