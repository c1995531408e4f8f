"""Processes under a supervisor that a test has to itself: it kills, holds and watches them.

Base of a stack (tests/support) and of a cluster (tests/cluster), which know nothing of each other.
"""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from tests.stack import control
from tests.stack.control import State
from tests.stack.proc import Identity, wait_gone
from tests.stack.ready import probe
from tests.stack.spec import Spec

READY_S = 120.0


class Supervised(ABC):
    """Runs for the length of a `with` block; `folder` holds the state and the logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def prepare(self) -> Sequence[Spec]:
        """Make what the processes need; all that are to run."""

    @abstractmethod
    def supervise(self, specs: Sequence[Spec]) -> None:
        """Let these processes run and no others; returns when all are ready."""

    @abstractmethod
    def start(self) -> Self:
        """Start what does not run yet; returns when all is ready."""

    @abstractmethod
    def stop(self) -> object:
        """Stop everything, whatever state it is in."""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *error: object) -> None:
        self.stop()

    def units(self) -> dict[str, dict[str, Any]]:
        """What the supervisor says of each process: state, pid, restarts, ..."""
        return State.read(self.folder).units

    def unit(self, name: str) -> dict[str, Any]:
        """What the supervisor says of one process."""
        return self.units()[name]

    def who(self, name: str) -> Identity:
        """Who a process is now."""
        return State.read(self.folder).who(name)

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        """Signal a process; the supervisor starts one that dies of it again after 0.5 s."""
        who = self._signal(name, sign)
        if sign == signal.SIGKILL:
            wait_gone(who, 30.0)
            self._wait(name, lambda unit: unit["pid"] != who.pid)

    def restart(self, name: str) -> None:
        """End a process in its orderly way and wait until the next one is ready."""
        who = self._signal(name, signal.Signals[self.unit(name)["stop_signal"]])
        self._wait(name, lambda unit: unit["pid"] != who.pid)
        self.wait_ready(name)

    def _signal(self, name: str, sign: signal.Signals) -> Identity:
        """Signal a process that runs; pid 0 of one to be started again would be our own group."""
        who = self.who(name)
        assert who.alive, f"{name} does not run now: {self.unit(name)['state']}"
        os.kill(who.pid, sign)
        return who

    def hold(self, name: str) -> None:
        """Stop a process and keep it stopped (what needs it goes on), until `release`."""
        others = [n for n, unit in self.units().items() if n != name and not unit["task"]]
        self.supervise([spec for spec in self.prepare() if spec.name in others])

    def release(self) -> None:
        """Start again what `hold` stopped."""
        self.start()

    def wait_ready(self, name: str, seconds: float = READY_S) -> None:
        """Return as soon as a process is ready; else TimeoutError with its log's last line."""
        self._wait(name, lambda u: u["state"] == "ready" and probe(tuple(u["ready"])), seconds)

    def _wait(
        self, name: str, met: Callable[[dict[str, Any]], bool], seconds: float = READY_S
    ) -> None:
        end = time.monotonic() + seconds
        while not met(self.unit(name)):
            if time.monotonic() > end:
                raise TimeoutError(f"{name}: {self.unit(name)['state']}; {self.last_line(name)}")
            time.sleep(0.05)

    def log(self, name: str) -> str:
        """All that a process has written since it was last started by `start` or `release`."""
        return self._log(name).read_text(errors="replace")

    def last_line(self, name: str) -> str:
        """The line of a process's log that tells most."""
        return control.last_line(self._log(name))

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"
