"""One supervised process: waits for what it needs, starts it, watches it, restarts it, stops it."""

import asyncio
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.stack.proc import NOBODY, Identity, identify, kill_group
from tests.stack.ready import probe
from tests.stack.spec import Spec

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 10.0
STEADY_S = 30.0  # a process that lived this long starts its back-off anew
PROBE_EVERY_S = 0.1


class Unit:
    """A process and its state: waiting starting ready backoff stopped; a task's: done failed."""

    def __init__(self, spec: Spec, logs: Path, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.state = "waiting"
        self.who = NOBODY
        self.since = time.time()
        self.restarts = 0
        self.exits = 0  # since the last `up`: tells one that cannot start from one that once died
        self.met = asyncio.Event()
        self.log = logs / f"{spec.name}.log"
        self._changed = changed
        self._runner: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def describe(self) -> dict[str, Any]:
        """The unit's line of state.json."""
        return {
            "state": self.state, "pid": self.who.pid, "started": self.who.started,
            "since": self.since, "restarts": self.restarts, "exits": self.exits,
            "port": self.spec.port, "task": self.spec.task, "ready": list(self.spec.ready),
            "stop_signal": self.spec.stop_signal, "grace": self.spec.grace,
        }  # fmt: skip

    def start(self, units: Mapping[str, "Unit"]) -> None:
        """Begin to run, once everything in `needs` is ready."""
        needs = [units[name].met for name in self.spec.needs if name in units]
        self._runner = asyncio.create_task(self._run(needs))

    async def stop(self) -> None:
        """Stop for good: the spec's signal, after `grace` seconds SIGKILL for the group."""
        if self._runner is not None:
            self._runner.cancel()
            with suppress(asyncio.CancelledError):
                await self._runner
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.Signals[self.spec.stop_signal])
            try:
                async with asyncio.timeout(self.spec.grace):
                    await self._process.wait()
            except TimeoutError:
                kill_group(self.who)
                await self._process.wait()
        self._set("stopped", NOBODY)

    def _set(self, state: str, who: Identity) -> None:
        if (state, who) != (self.state, self.who):
            self.state, self.who, self.since = state, who, time.time()
        self._changed()

    async def _run(self, needs: list[asyncio.Event]) -> None:
        for need in needs:
            await need.wait()
        if self.spec.task:
            await self._run_task()
            return
        delay = BACKOFF_FIRST_S
        while True:
            begun = time.monotonic()
            await self._run_once()
            if time.monotonic() - begun > STEADY_S:
                delay = BACKOFF_FIRST_S
            self.exits += 1
            self._set("backoff", NOBODY)
            await asyncio.sleep(delay)
            delay = min(2 * delay, BACKOFF_MOST_S)
            self.restarts += 1

    async def _run_task(self) -> None:
        if not (self.spec.skip_if and os.path.exists(self.spec.skip_if)):  # noqa: ASYNC240, PTH110
            process = await self._spawn()
            code = await process.wait() if process else 127
            if code:
                self.exits += 1
                self._set("failed", NOBODY)
                return
        self._set("done", NOBODY)
        self.met.set()

    async def _run_once(self) -> None:
        process = await self._spawn()
        if process is not None:
            waiter = asyncio.create_task(self._wait_ready())
            try:
                code = await process.wait()
            finally:
                waiter.cancel()
            _note(f"{self.spec.name} ended with {_ending(code)}")

    async def _wait_ready(self) -> None:
        while not await asyncio.to_thread(probe, self.spec.ready):  # noqa: ASYNC110
            await asyncio.sleep(PROBE_EVERY_S)
        self._set("ready", self.who)
        self.met.set()

    async def _spawn(self) -> asyncio.subprocess.Process | None:
        spec = self.spec
        try:
            with self.log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *spec.argv, env=spec.env, cwd=spec.cwd or None, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, start_new_session=True, umask=spec.umask,
                    **_account(spec.user),
                )  # fmt: skip
        except OSError as error:
            with self.log.open("a") as log:
                log.write(f"{spec.argv[0]} cannot be started: {error}\n")
            return None
        self._set("starting", identify(self._process.pid))
        return self._process


def _note(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", flush=True)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _account(user: str) -> dict[str, Any]:
    if not user or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(user)
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}
