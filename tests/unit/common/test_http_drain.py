"""A process ends in order: not ready, requests in flight finish, then everything closes."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.stack.ports import free_port

SERVICE = """
import asyncio
from pydantic import BaseModel
from services.common import logs
from services.common.http.app import build_app, run
from services.common.http.routes import Routes
from tests.unit.common.service import FakeDatabase, settings

routes = Routes("/api")

class Done(BaseModel):
    done: bool

@routes.get("/slow", roles=None)
async def slow() -> Done:
    print("began", flush=True)
    await asyncio.sleep(3)
    return Done(done=True)

def build():
    app = build_app(settings(port=PORT, not_ready_s=2, listen_address="127.0.0.1"),
                    [routes], service="slow", db=FakeDatabase())
    async def opened(app):
        yield
        print("closed", flush=True)
    app.cleanup_ctx.append(opened)
    return app

logs.configure("slow", "INFO")
run(build)
"""


class Process:
    """The service above, running."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-c", SERVICE.replace("PORT", str(port))]
        environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
        self.popen = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(self.url + path, timeout=60) as response:
                return response.status, response.read().decode()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def wait_until(self, text: str) -> None:
        assert self.popen.stdout
        while text not in (line := self.popen.stdout.readline()):
            assert line, f"ended before it said {text}"


@pytest.fixture
def process() -> Iterator[Process]:
    made = Process(free_port())
    try:
        made.wait_until("serving")
        yield made
    finally:
        made.popen.kill()
        made.popen.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_work_in_flight_ends_well(process: Process, number: signal.Signals) -> None:
    slow = asyncio.create_task(asyncio.to_thread(process.get, "/api/slow"))
    await asyncio.to_thread(process.wait_until, "began")
    process.popen.send_signal(number)
    await asyncio.to_thread(process.wait_until, "draining")
    status, _ = await asyncio.to_thread(process.get, "/health/ready")
    assert status == 503
    assert await slow == (200, '{"done":true}')
    out, _ = await asyncio.to_thread(process.popen.communicate, timeout=60)
    assert "closed" in out
    assert process.popen.returncode == 0


def test_a_second_signal_ends_it_at_once(process: Process) -> None:
    process.popen.send_signal(signal.SIGTERM)
    process.wait_until("draining")
    began = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    process.popen.wait(timeout=60)
    assert time.monotonic() - began < 1.5
    assert process.popen.returncode == -signal.SIGTERM


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = Process(port)
        _, error = process.popen.communicate(timeout=60)
    assert process.popen.returncode == 1
    assert error.strip() == f"Port {port} is taken: stop what uses it or set PORT."
