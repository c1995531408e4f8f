"""Ports for processes that tests start: each belongs to one test process of the whole machine.

A port that was only seen to be free may be another's before it is used: that of another test run,
or of a connection that goes out. So a port is claimed by a lock on its own byte of a file that all
test runs share (the system drops the locks of a process that ends), and all lie below those that
the system hands out by itself.
"""

import fcntl
import itertools
import os
import random
import socket
import tempfile
from collections.abc import Collection
from functools import cache
from pathlib import Path

from tests.stack.config import PORTS
from tests.stack.errors import StackError

SINGLE = range(11_000, 15_000)
"""For processes of their own: below the lowest port of any stack."""

BASES = range(10_000, 23_000, 20)

_mine: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on and no other test will be given while this process lives."""
    first = random.choice(SINGLE)
    for port in itertools.chain(range(first, SINGLE.stop), range(SINGLE.start, first)):
        if claim([port]):
            return port
    raise StackError(f"no port in {SINGLE} is free: stop some of what runs on this machine.")


def free_base() -> int:
    """A number such that default port + it is claimed for every process of a stack."""
    for base in random.sample(BASES, len(BASES)):
        if claim([base + port for port in PORTS.values()]):
            return base
    raise StackError("no free range of ports was found: stop some of the stacks on this machine.")


def claim(ports: Collection[int]) -> bool:
    """Take all of them, or none when one is taken or in use."""
    taken: list[int] = []
    for port in ports:
        if not _claim(port):
            give_back(taken)
            return False
        taken.append(port)
    return True


def give_back(ports: Collection[int]) -> None:
    """Let others have them."""
    for port in ports:
        if port in _mine:
            _mine.discard(port)
            fcntl.lockf(_claims(), fcntl.LOCK_UN, 1, port)


def _claim(port: int) -> bool:
    if port in _mine:
        return False
    try:
        fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    _mine.add(port)
    if _unused(port):
        return True
    give_back([port])
    return False


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@cache
def _claims() -> int:
    """The file of all claims, open as long as this process lives: closing it would end them."""
    path = Path(tempfile.gettempdir()) / f"ucc-intel-test-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
