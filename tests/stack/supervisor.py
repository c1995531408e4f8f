"""The background process that runs a plan: `python -m tests.stack.supervisor FOLDER`.

Level-triggered: SIGHUP makes it read plan.json again and restart just what differs; SIGTERM stops
all in reverse order and ends it. What runs, with pid and start time, stands in state.json all the
time, so that `control` can clean up after it when it was killed itself.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.stack.proc import NOBODY, Identity, identify
from tests.stack.spec import Plan, in_order, write_private
from tests.stack.unit import Unit

OWNER_EVERY_S = 1.0


class Supervisor:
    """Holds the units of one stack folder and its state.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.units: dict[str, Unit] = {}
        self.generation = ""
        self.owner = NOBODY
        self.me = identify(os.getpid())
        self.since = time.time()

    def save(self) -> None:
        """Write state.json."""
        body = {
            "pid": self.me.pid, "started": self.me.started, "since": self.since,
            "generation": self.generation,
            "units": {name: unit.describe() for name, unit in self.units.items()},
        }  # fmt: skip
        write_private(self.folder / "state.json", json.dumps(body, indent=1))

    async def apply(self) -> None:
        """Make what runs equal to plan.json; a process that did not change is left alone."""
        plan = Plan.load(self.folder / "plan.json")
        stale = [unit for unit in self.units.values() if not _stays(unit, plan)]
        await self.stop(stale)
        for unit in stale:
            del self.units[unit.spec.name]
        fresh = [spec for spec in in_order(plan.specs) if spec.name not in self.units]
        for unit in self.units.values():
            unit.exits = 0
        for spec in fresh:
            self._rotate(spec.name)
            self.units[spec.name] = Unit(spec, self.folder / "logs", self.save)
        self.generation, self.owner = plan.generation, Identity(*plan.owner)
        self.save()
        for spec in fresh:
            self.units[spec.name].start(self.units)

    def _rotate(self, name: str) -> None:
        log = self.folder / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size:
            log.replace(log.with_suffix(".log.1"))

    async def stop(self, units: Iterable[Unit]) -> None:
        """Stop units, each after those that need it; independent ones at the same time."""
        chosen = {unit.spec.name: unit for unit in units}
        stopping: dict[str, asyncio.Task[None]] = {}

        async def after_dependents(unit: Unit, dependents: list[asyncio.Task[None]]) -> None:
            if dependents:
                await asyncio.wait(dependents)
            await unit.stop()

        for spec in reversed(in_order(unit.spec for unit in chosen.values())):
            users = [
                task for name, task in stopping.items() if spec.name in chosen[name].spec.needs
            ]
            stopping[spec.name] = asyncio.create_task(after_dependents(chosen[spec.name], users))
        await asyncio.gather(*stopping.values())

    async def run(self) -> None:
        """Apply the plan, and again on each SIGHUP, until SIGTERM, SIGINT or its owner's end."""
        loop = asyncio.get_running_loop()
        wake: asyncio.Queue[bool] = asyncio.Queue()
        loop.add_signal_handler(signal.SIGHUP, wake.put_nowait, True)
        loop.add_signal_handler(signal.SIGTERM, wake.put_nowait, False)
        loop.add_signal_handler(signal.SIGINT, wake.put_nowait, False)
        self.save()
        await self.apply()
        watch = asyncio.create_task(self._watch_owner(wake))
        while await wake.get():
            await self.apply()
        watch.cancel()
        await self.stop(self.units.values())

    async def _watch_owner(self, wake: asyncio.Queue[bool]) -> None:
        while not self.owner.pid or self.owner.alive:  # noqa: ASYNC110
            await asyncio.sleep(OWNER_EVERY_S)
        wake.put_nowait(False)


def _stays(unit: Unit, plan: Plan) -> bool:
    """True for a process that runs already as the plan wants it: all others begin anew."""
    wanted = {spec.name: spec.fingerprint for spec in plan.specs}
    runs = unit.state in ("starting", "ready") and not unit.spec.task
    return runs and wanted.get(unit.spec.name) == unit.spec.fingerprint


if __name__ == "__main__":
    if os.fork():  # the caller waits for this half only, and is no parent of the other
        os._exit(0)
    os.setsid()
    asyncio.run(Supervisor(Path(sys.argv[1])).run())
