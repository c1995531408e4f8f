"""`python -m services.sample_register` as the stack starts it."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import orjson

from tests.stack.ports import free_port

MODULE = [sys.executable, "-m", "services.sample_register"]
SMALL = os.environ | {"SAMPLE_SIZE": "150", "SAMPLE_AS_OF": "2026-11-23"}


def _wait_for(url: str) -> bytes:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bytes(response.read())
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_it_serves_once_the_port_is_open_and_stops_on_sigterm() -> None:
    port = free_port()
    environment = SMALL | {"PORT": str(port), "SAMPLE_HOST": "127.0.0.1"}
    process = subprocess.Popen(MODULE, env=environment, stdout=subprocess.PIPE)
    try:
        rows = orjson.loads(_wait_for(f"http://127.0.0.1:{port}/health"))["rows"]
        assert rows["filings"] >= 150
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert all(orjson.loads(line)["service"] == "sample_register" for line in log.splitlines())
    finally:
        process.kill()
        process.wait()


def test_dump_writes_the_four_data_sets(tmp_path: Path) -> None:
    command = [*MODULE, "dump", "--size", "200", "--out", str(tmp_path), "--format", "jsonl"]
    subprocess.run(command, env=SMALL, check=True, capture_output=True, timeout=120)
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"filings.jsonl", "debtors.jsonl", "secured.jsonl", "collateral.jsonl"}
    assert len((tmp_path / "filings.jsonl").read_bytes().splitlines()) >= 200
