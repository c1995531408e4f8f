import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.stack.proc import NOBODY, identify, port_owner, terminate
from tests.stack.ready import probe


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[bytes]]:
    """A process group leader that ignores SIGTERM and says when it does."""
    code = (
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_process_is_alive_until_it_ends(deaf: subprocess.Popen[bytes]) -> None:
    who = identify(deaf.pid)
    assert who.alive
    deaf.kill()
    deaf.wait()
    assert not who.alive


def test_a_later_process_with_the_same_pid_is_another() -> None:
    assert not replace(identify(os.getpid()), started="earlier").alive


def test_nobody_is_never_alive() -> None:
    assert not NOBODY.alive


def test_a_process_that_ignores_sigterm_is_killed(deaf: subprocess.Popen[bytes]) -> None:
    terminate(identify(deaf.pid), signal.SIGTERM, 0.1)
    assert deaf.wait() == -signal.SIGKILL


def test_the_owner_of_a_port_is_named(listener: int) -> None:
    assert f"(pid {os.getpid()})" in port_owner(listener)


def test_a_free_port_has_no_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert port_owner(port) == ""


def test_a_listening_port_is_ready(listener: int) -> None:
    assert probe(("tcp", str(listener)))


def test_a_closed_port_is_not_ready() -> None:
    assert not probe(("tcp", "1"))


def test_a_program_is_ready_when_it_exits_0() -> None:
    assert probe(("exec", "true"))
    assert not probe(("exec", "false"))
    assert not probe(("exec", "/no/such/program"))
