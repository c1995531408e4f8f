"""A Redis cluster of three nodes on loopback, for a test alone."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.stack.ports import free_port

NODES = 3
_READY_S = 60.0


def _cli(port: int, *words: str) -> str:
    command = ["redis-cli", "-h", "127.0.0.1", "-p", str(port), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@contextlib.contextmanager
def redis_cluster(folder: Path) -> Iterator[list[int]]:
    """Run the nodes while the block does; their ports."""
    ports = [free_port() for _ in range(2 * NODES)]
    nodes, buses = ports[:NODES], ports[NODES:]
    with contextlib.ExitStack() as stack:
        for port, bus in zip(nodes, buses, strict=True):
            home = folder / str(port)
            home.mkdir(parents=True)
            command = [
                "redis-server", "--port", str(port), "--cluster-port", str(bus), "--bind",
                "127.0.0.1", "--cluster-enabled", "yes", "--save", "", "--appendonly", "no",
                "--dir", str(home), "--daemonize", "no",
            ]  # fmt: skip
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        _until(nodes, lambda port: _cli(port, "PING").strip() == "PONG")
        addresses = [f"127.0.0.1:{port}" for port in nodes]
        _cli(nodes[0], "--cluster", "create", *addresses, "--cluster-yes")
        _until(nodes, lambda port: "cluster_state:ok" in _cli(port, "CLUSTER", "INFO"))
        yield nodes


def _until(ports: list[int], met: Callable[[int], bool]) -> None:
    end = time.monotonic() + _READY_S
    while not all(met(port) for port in ports):
        if time.monotonic() > end:
            raise TimeoutError("the Redis cluster did not come up")
        time.sleep(0.05)
