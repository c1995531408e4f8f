"""What one supervised process is: made by `table`, carried by plan.json, run by `supervisor`."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Spec:
    """One process of the stack.

    `task` runs once per `up` and must exit 0; anything else is kept running. `ready` is one of
    ("tcp", port), ("http", url), ("exec", *argv that exits 0), () for "as soon as it runs".
    `skip_if` names a path whose presence makes a task unnecessary. `user` is the account to run as
    when the supervisor is root. `grace` is the seconds between `stop_signal` and SIGKILL. `umask`
    is what the files that it makes hide: by default all from everybody else.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()
    port: int = 0
    task: bool = False
    skip_if: str = ""
    user: str = ""
    cwd: str = ""
    stop_signal: str = "SIGTERM"
    grace: float = 10.0
    revision: str = ""
    umask: int = 0o077

    @property
    def fingerprint(self) -> str:
        """Changes when the process must be restarted: other program, environment or code."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """What should run, from one call of `up`; `generation` tells two calls apart.

    `owner` is (pid, start) of a process that the stack must not outlive, (0, "") for none.
    """

    generation: str
    specs: tuple[Spec, ...]
    owner: tuple[int, str] = (0, "")

    def save(self, path: Path) -> None:
        """Write the plan for the supervisor; it holds secrets, so only its owner may read it."""
        write_private(path, json.dumps(dataclasses.asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Plan":
        """Read a plan that `save` wrote."""
        body = json.loads(path.read_text())
        specs = tuple(_spec(item) for item in body["specs"])
        return cls(body["generation"], specs, tuple(body["owner"]))


def _spec(item: dict[str, Any]) -> Spec:
    lists = {key: tuple(item[key]) for key in ("argv", "needs", "ready")}
    return Spec(**{**item, **lists})


def write_private(path: Path, text: str) -> None:
    """Replace `path` atomically by a file of mode 600."""
    fresh = path.with_name(path.name + ".new")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    fresh.write_text(text)
    fresh.replace(path)


def in_order(specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """The processes, each after what it needs; a need outside `specs` counts as met."""
    waiting = {spec.name: spec for spec in specs}
    ordered: list[Spec] = []
    while waiting:
        free = [s for s in waiting.values() if not any(need in waiting for need in s.needs)]
        if not free:
            raise ValueError(f"processes need each other in a circle: {', '.join(waiting)}")
        for spec in free:
            ordered.append(waiting.pop(spec.name))
    return tuple(ordered)


def with_needs(specs: Iterable[Spec], names: Iterable[str]) -> tuple[Spec, ...]:
    """The named processes and all that they need, in order; an unknown name is a KeyError."""
    known = {spec.name: spec for spec in specs}
    wanted: dict[str, Spec] = {}
    queue = list(names)
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted[name] = known[name]
            queue.extend(known[name].needs)
    return in_order(wanted.values())
