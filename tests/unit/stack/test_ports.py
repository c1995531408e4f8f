"""Ports that no two test runs of a machine are given."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack import ports
from tests.stack.config import PORTS, REPO

CLAIM = "from tests.stack import ports; print(ports.claim([{port}]), flush=True); {then}"


@pytest.fixture
def port() -> Iterator[int]:
    found = ports.free_port()
    yield found
    ports.give_back([found])


def elsewhere(port: int, then: str = "pass") -> subprocess.Popen[str]:
    """Another process that claims a port and says whether it got it."""
    argv = [sys.executable, "-c", CLAIM.format(port=port, then=then)]
    return subprocess.Popen(
        argv, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def got(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_what_is_claimed_here_is_refused_elsewhere(port: int) -> None:
    with elsewhere(port) as other:
        assert got(other) == "False"


def test_what_is_claimed_elsewhere_is_refused_here_until_that_process_ends(port: int) -> None:
    ports.give_back([port])
    with elsewhere(port, "input()") as other:
        assert got(other) == "True"
        assert not ports.claim([port])
        other.communicate("\n")
    assert ports.claim([port])


def test_a_port_is_given_once(port: int) -> None:
    assert not ports.claim([port])


def test_a_port_that_somebody_listens_on_is_refused(port: int) -> None:
    ports.give_back([port])
    with socket.create_server(("127.0.0.1", port)):
        assert not ports.claim([port])
    assert ports.claim([port])


def test_of_several_ports_all_are_claimed_or_none(port: int) -> None:
    free = ports.free_port()
    ports.give_back([free])
    assert not ports.claim([free, port])
    assert ports.claim([free])
    ports.give_back([free])


def test_a_stack_has_all_its_ports_to_itself() -> None:
    base = ports.free_base()
    own = [base + port for port in PORTS.values()]
    assert not any(ports.claim([port]) for port in own)
    ports.give_back(own)


def test_nothing_is_given_that_the_system_hands_out_by_itself() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert ports.SINGLE.stop <= ports.BASES.start + min(PORTS.values())
    assert ports.BASES.stop + max(PORTS.values()) < first
