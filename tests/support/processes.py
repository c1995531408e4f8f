"""Processes of ours that a test starts itself: `python -m services.<name>` on a free port."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stack.config import REPO
from tests.stack.ports import free_port
from tests.stack.ready import probe

READY_S = 120.0
STOP_S = 60.0


@dataclass(frozen=True)
class Process:
    """A process that answers at `url` and writes to `log`."""

    url: str
    log: Path
    pid: int = 0


@contextmanager
def process(
    module: str, environment: Mapping[str, str], folder: Path, ready: str = "/health/ready"
) -> Iterator[Process]:
    """`python -m MODULE [WORD...]` from when `ready` answers 200; SIGTERM at the block's end."""
    port, log = free_port(), folder / f"{module.replace(' ', '_')}.log"
    env = {**os.environ, **environment, "PORT": str(port)}
    argv = [sys.executable, "-m", *module.split()]
    with log.open("wb") as out:
        running = subprocess.Popen(argv, cwd=REPO, env=env, stdout=out, stderr=out)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + READY_S
        while not probe(("http", url + ready)):
            assert running.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield Process(url, log, running.pid)
    finally:
        running.terminate()
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
