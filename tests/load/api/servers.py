"""The servers to compare with, as processes of this benchmark alone; ended at its end."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack import install, programs
from tests.stack.config import REPO
from tests.stack.errors import StackError
from tests.stack.install import PYTHON, run_logged
from tests.support.stack import TestStack

EXPRESS = Path(__file__).with_name("express")
ORIGINAL = Path(__file__).with_name("original.sql")
_NODE_FROM = 18
_READY_S = 30.0
_STOP_S = 10.0


def tools() -> None:
    """Install what the benchmark needs beside a stack: wrk, Node.js, the packages of Express."""
    wanted = {"wrk": "wrk", "node": "nodejs", "npm": "npm"}
    install.more_packages([name for program, name in wanted.items() if not programs.find(program)])
    shown = subprocess.run([programs.find("node"), "--version"], capture_output=True, text=True,
                           check=True).stdout  # fmt: skip
    if int(shown.strip().lstrip("v").partition(".")[0]) < _NODE_FROM:
        raise StackError(f"Node.js {shown.strip()} is too old: install {_NODE_FROM} or later.")


def express_folder() -> Path:
    """A folder with the server and its locked packages, outside the checkout."""
    folder = install.cache() / "bench-express"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.js"):
        shutil.copy2(EXPRESS / name, folder / name)
    argv = [programs.find("npm"), "ci", "--no-audit", "--no-fund"]
    run_logged(argv, "npm could not install", "check the network (npm)", folder)
    return folder


def original(stack: TestStack) -> None:
    """Make the table that the specification's server reads."""
    stack.psql(ORIGINAL.read_text(encoding="utf-8"))


@contextmanager
def bare(stack: TestStack) -> Iterator[str]:
    """The bare handler; its base URL."""
    port = _free_port()
    argv = [str(PYTHON), "-m", "tests.load.api.bare", str(port)]
    with _process(argv, stack.environment(), REPO, port) as url:
        yield url


@contextmanager
def express(stack: TestStack, folder: Path) -> Iterator[str]:
    """The specification's server; its base URL."""
    port = _free_port()
    env = stack.environment() | {"PORT": str(port), "NODE_ENV": "production"}
    with _process([programs.find("node"), "server.js"], env, folder, port) as url:
        yield url


@contextmanager
def _process(argv: Sequence[str], env: Mapping[str, str], cwd: Path, port: int) -> Iterator[str]:
    running = subprocess.Popen(argv, cwd=cwd, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _READY_S
        while not _answers(port):
            if running.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{argv[0]} {argv[-1]} does not start")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        try:
            running.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
