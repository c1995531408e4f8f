"""The peer: procrastinate, installed from a locked set into a throw-away environment."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.stack.config import REPO
from tests.stack.install import PYTHON
from tests.support.stack import TestStack, create_database, drop_database

HERE = Path(__file__).parent
LEVELS = ("1", "20", "100")
TRIAL = 2000
DATABASE = "procrastinate"
_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Peer:
    """Jobs a second at one level of concurrency, over so many jobs."""

    jobs: int
    concurrency: int
    enqueue: float
    drain: float


def measure(stack: TestStack, folder: Path, jobs: int) -> list[Peer]:
    """A trial of each level, then all jobs at the best one, on a database of its own."""
    python = _install(folder)
    made = create_database(stack, DATABASE)
    try:
        argv = [
            str(python),
            str(HERE / "peer_app.py"),
            made.direct_url,
            str(TRIAL),
            str(jobs),
            *LEVELS,
        ]
        told = json.loads(_run(argv, {}).splitlines()[-1])
    finally:
        drop_database(stack, DATABASE)
    return [Peer(**each) for each in told]


def _install(folder: Path) -> Path:
    uv, venv = PYTHON.with_name("uv"), folder / "peer"
    _run([str(uv), "venv", "-q", "--python", str(PYTHON), str(venv)], {})
    python = venv / "bin" / "python"
    _run([str(uv), "pip", "install", "-q", "--python", str(python), "--require-hashes",
          "-r", str(HERE / "procrastinate.txt")], {})  # fmt: skip
    return python


def _run(argv: list[str], env: dict[str, str]) -> str:
    done = subprocess.run(
        argv, cwd=REPO, env={**os.environ, **env}, capture_output=True, text=True, check=False,
        timeout=_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr[-2000:]}")
    return done.stdout
