"""What both forms share: start and stop under the supervisor, kill and restart, kubectl.

with LightCluster("mine") as cluster:
    cluster.apply(manifest)
    cluster.kill("apiserver")       # the supervisor starts it again
"""

import os
import shutil
import signal
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster import registry
from tests.cluster.home import STARTING, Home
from tests.cluster.kubectl import Kubectl, Manifest
from tests.stack import control
from tests.stack.control import State
from tests.stack.install import only_one
from tests.stack.proc import NOBODY, Identity, identify, wait_gone
from tests.stack.ready import probe
from tests.stack.spec import Plan, Spec

READY_S = 60.0
PREFIX = "ucc-intel-cluster-"  # of the folders of throw-away clusters


class BaseCluster(ABC):
    """One cluster. Without a `home` it is a test's own: it ends with this process at the latest,
    and its folder is deleted with it.
    """

    accounts = True  # a controller makes service accounts

    def __init__(self, name: str, home: Home | None = None) -> None:
        self.throw_away = home is None
        self.home = home or Home(name, Path(tempfile.mkdtemp(prefix=PREFIX)))

    @abstractmethod
    def prepare(self) -> Sequence[Spec]:
        """Install, build and configure what it needs; its processes."""

    def launcher(self) -> Sequence[str]:
        """What the supervisor is started with."""
        return ()

    def after_stop(self) -> None:  # noqa: B027
        """Undo what `prepare` did outside the folder: for most forms nothing."""

    def start(self, tell: Callable[[str], None] = lambda _: None) -> Self:
        """Start what does not run yet; returns when all is ready."""
        sweep_folders()
        self.home.claim()
        with only_one(self.home.folder / STARTING):
            self._run(self.prepare(), tell)
        return self

    def _run(self, specs: Sequence[Spec], tell: Callable[[str], None] = lambda _: None) -> None:
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

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

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

    def units(self) -> dict[str, dict[str, Any]]:
        """What the supervisor says of each component: state, pid, restarts, ..."""
        return State.read(self.home.folder).units

    def who(self, component: str) -> Identity:
        """Who a component is now."""
        return State.read(self.home.folder).who(component)

    def kill(self, component: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """Signal a component; the supervisor starts one that dies of it again after 0.5 s."""
        who = self.who(component)
        assert who.alive, f"{component} does not run now: {self.units()[component]['state']}"
        os.kill(who.pid, sign)
        if sign == signal.SIGKILL:
            wait_gone(who, 5.0)
            self._wait(component, lambda unit: unit["pid"] != who.pid)

    def restart(self, component: str) -> None:
        """End a component in its orderly way and wait until the next one is ready."""
        who = self.who(component)
        self.kill(component, signal.SIGTERM)
        self._wait(component, lambda unit: unit["pid"] != who.pid)
        self.wait_ready(component)

    def hold(self, component: str) -> None:
        """Stop a component and keep it stopped (what needs it goes on), until `release`."""
        self._run([spec for spec in self.prepare() if spec.name != component])

    def release(self) -> None:
        """Start again what `hold` stopped."""
        self._run(self.prepare())

    def wait_ready(self, component: str, seconds: float = READY_S) -> None:
        """Return as soon as a component is ready; else TimeoutError with its last line."""
        self._wait(component, lambda u: u["state"] == "ready" and probe(tuple(u["ready"])), seconds)

    def _wait(
        self, component: str, met: Callable[[dict[str, Any]], bool], seconds: float = READY_S
    ) -> None:
        end = time.monotonic() + seconds
        while not met(self.units()[component]):
            if time.monotonic() > end:
                line = control.last_line(self.home.folder / "logs" / f"{component}.log")
                raise TimeoutError(f"{component}: {self.units()[component]['state']}; {line}")
            time.sleep(0.05)

    def log(self, component: str) -> str:
        """All that a component has written since the last start."""
        return (self.home.folder / "logs" / f"{component}.log").read_text(errors="replace")


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
