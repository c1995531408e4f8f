"""Start, change and stop a stack from outside: writes plan.json, reads state.json, signals."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.stack.config import REPO
from tests.stack.errors import StackError
from tests.stack.install import only_one
from tests.stack.proc import NOBODY, Identity, port_owner, terminate, wait_gone
from tests.stack.spec import Plan, Spec, in_order

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 90.0
TRIES = 3  # a process that ended this often since `up` without being ready "does not start"

ERROR = re.compile(r"FATAL|PANIC|ERROR|Error\b|Exception|cannot be started")


class Home(Protocol):
    """The folder that processes run from: a stack's Config, or a cluster's Home."""

    @property
    def folder(self) -> Path:
        """State, plan, logs."""

    @property
    def is_ours(self) -> bool:
        """True for a folder that was marked as ours."""


@dataclass(frozen=True)
class State:
    """What state.json says: the supervisor, and each unit's line."""

    supervisor: Identity
    generation: str
    units: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> "State":
        """The state of a folder; of one without a state.json: nothing runs."""
        try:
            body = json.loads((folder / "state.json").read_text())
        except FileNotFoundError:
            return cls(NOBODY, "", {})
        return cls(Identity(body["pid"], body["started"]), body["generation"], body["units"])

    @property
    def running(self) -> bool:
        """True while the supervisor lives."""
        return self.supervisor.alive

    def leftovers(self) -> list[str]:
        """Names of processes that live on although their supervisor is gone."""
        return [] if self.running else [name for name in self.units if self.who(name).alive]

    def who(self, name: str) -> Identity:
        """The identity of a unit's process."""
        unit = self.units[name]
        return Identity(unit["pid"], unit["started"])


def start(
    config: Home,
    specs: Sequence[Spec],
    tell: Callable[[str], None],
    owner: Identity = NOBODY,
    launcher: Sequence[str] = (),
) -> None:
    """Make `specs`, and nothing else, run; returns when all are ready; `tell`s what happens.

    StackError where a port is taken or processes do not start; what did start is left running, so
    that a second call goes on from there. The stack ends with its `owner`, if it is given one.
    `launcher` is a command that starts the supervisor elsewhere, in a namespace for instance.
    """
    with only_one(config.folder / "lock"):
        state = State.read(config.folder)
        _heal(config, state, tell)
        _check_ports(state, specs)
        plan = Plan(secrets.token_hex(8), in_order(specs), (owner.pid, owner.started))
        plan.save(config.folder / "plan.json")
        if state.running:
            os.kill(state.supervisor.pid, signal.SIGHUP)
        else:
            _launch(config.folder, launcher)
        _wait(config, plan, tell)


def _heal(config: Home, state: State, tell: Callable[[str], None]) -> None:
    left = state.leftovers()
    if left:
        tell(f"a half-started stack was left here: stopping {', '.join(left)}, then starting anew.")
        _stop_leftovers(state)
    if not state.running:
        (config.folder / "state.json").unlink(missing_ok=True)


def _check_ports(state: State, specs: Sequence[Spec]) -> None:
    mine = {unit["port"] for unit in state.units.values()} if state.running else set()
    for spec in specs:
        owner = "" if not spec.port or spec.port in mine else port_owner(spec.port)
        if owner:
            raise StackError(
                f"port {spec.port} of {spec.name} is used by {owner}: stop that, or choose another "
                f"port with STACK_PORT_{spec.name.upper()}=..."
            )


def _launch(folder: Path, launcher: Sequence[str]) -> None:
    with (folder / "logs" / "supervisor.log").open("ab") as log:
        argv = [*launcher, sys.executable, "-m", "tests.stack.supervisor", str(folder)]
        subprocess.run(argv, cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)


def _wait(config: Home, plan: Plan, tell: Callable[[str], None]) -> None:
    begun, told = time.time(), set[str]()
    for state in _states(config.folder, plan.generation):
        for name, unit in state.units.items():
            if name not in told and unit["state"] in ("ready", "done"):
                told.add(name)
                if not unit["task"] and unit["since"] > begun:
                    tell(f"  {name:<16} ready after {unit['since'] - begun:4.1f} s")
        open_names = [n for n, u in state.units.items() if u["state"] not in ("ready", "done")]
        broken = [name for name in open_names if _does_not_start(state.units[name])]
        hopeless = {spec.name for spec in plan.specs if _blocked(spec, plan, broken)}
        if not set(open_names) - hopeless:
            break
    if broken:
        raise StackError(_diagnosis(config.folder, broken, sorted(hopeless - set(broken))))


def _states(folder: Path, generation: str) -> Iterator[State]:
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        state = State.read(folder)
        if state.generation == generation:
            yield state
        time.sleep(0.05)
    slow = [n for n, unit in state.units.items() if unit["state"] not in ("ready", "done")]
    names = ", ".join(slow) or "the supervisor"
    raise StackError(
        f"not ready after {START_TIMEOUT_S:.0f} s: {names}; see {folder}/logs, then run this again."
    )


def _does_not_start(unit: dict[str, Any]) -> bool:
    return bool(unit["state"] == "failed" or unit["exits"] >= TRIES)


def _blocked(spec: Spec, plan: Plan, broken: Sequence[str]) -> bool:
    """True for a process that is broken, or that needs (through others) one that is."""
    if spec.name in broken:
        return True
    return any(_blocked(s, plan, broken) for s in plan.specs if s.name in spec.needs)


def _diagnosis(folder: Path, broken: Sequence[str], blocked: Sequence[str]) -> str:
    each = "; ".join(f"{name} ({last_line(folder / 'logs' / f'{name}.log')})" for name in broken)
    wait = f"; waiting for it: {', '.join(blocked)}" if blocked else ""
    return f"does not start: {each}{wait}. Logs: {folder}/logs; mend it, then run this again."


def last_line(log: Path) -> str:
    """The line of a log that tells most: the last error near its end, else the last one.

    PostgreSQL, for one, says why it stops before it says that it has stopped.
    """
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        text = ""
    lines = [line.strip() for line in text.splitlines()[-20:] if line.strip()]
    telling = [line for line in lines if ERROR.search(line)]
    return (telling or lines or ["no output"])[-1][:300]


def stop(config: Home) -> bool:
    """Stop everything, whatever state it is in; True if something ran."""
    if not config.is_ours:
        return False
    with only_one(config.folder / "lock"):
        state = State.read(config.folder)
        ran = state.running or bool(state.leftovers())
        if state.running:
            os.kill(state.supervisor.pid, signal.SIGTERM)
            if not wait_gone(state.supervisor, STOP_TIMEOUT_S):
                terminate(state.supervisor, signal.SIGKILL, 5.0)
        _stop_leftovers(State.read(config.folder))
        (config.folder / "state.json").unlink(missing_ok=True)
        return ran


def _stop_leftovers(state: State) -> None:
    for name in reversed(state.leftovers()):
        unit = state.units[name]
        terminate(state.who(name), signal.Signals[unit["stop_signal"]], unit["grace"])
