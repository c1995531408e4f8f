"""The operator as a process that a test may kill and start again on the same port."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.load.exposition import scrape
from tests.stack.config import REPO
from tests.stack.ports import free_port
from tests.stack.ready import probe

READY_S = 90.0
STOP_S = 30.0
LOOKS = "ucc_migrator_reconcile_seconds_count"


class Operator:
    """`python -m operators.migrator` with an environment; `log` is all that it ever said."""

    def __init__(
        self, environment: Mapping[str, str], folder: Path, name: str = "operator"
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}.log"
        self._environment = {**os.environ, **environment, "PORT": str(self.port)}
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it and do not wait."""
        argv = [sys.executable, "-m", "operators.migrator"]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                argv, cwd=REPO, env=self._environment, stdout=out, stderr=out
            )

    async def start(self) -> None:
        """Start it and wait until it is alive."""
        self.launch()
        end = time.monotonic() + READY_S
        while not self.alive():
            assert self.running and time.monotonic() < end, self.log.read_text()
            await asyncio.sleep(0.05)

    def alive(self) -> bool:
        """Whether its liveness probe passes."""
        return probe(("http", f"{self.url}/health/live"))

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        assert self._process
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM and its end, as a rollout brings it; one that is gone already is no error."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it did not stop: {self.log.read_text()[-2000:]}") from None

    def metric(self, name: str, /, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return sum(
            value
            for (sample, given), value in scrape(self.url).items()
            if sample == name and labels.items() <= dict(given).items()
        )

    def looks(self) -> float:
        """How often it looked at a resource to the end."""
        return self.metric(LOOKS)

    def memory_mb(self) -> float:
        """Resident memory of the process and its children."""
        assert self._process
        return sum(map(resident_mb, family(self._process.pid)))


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def resident_mb(pid: int) -> float:
    """Resident memory of one process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
