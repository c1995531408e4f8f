"""A test that fails is told as such, whatever garbage it leaves behind."""

import os
import subprocess
import sys
from pathlib import Path

from tests.stack.config import REPO

FAILS = """
import gc, traceback

class Loud:
    def __init__(self):
        self.me = self

    def __del__(self):
        Loud()
        try:
            raise ResourceWarning("left open")
        except ResourceWarning:
            traceback.format_exc()

def test_it():
    Loud()
    gc.set_threshold(20)
    assert [1, 2] == [1, 3], "as it should"
"""


def test_garbage_of_a_failed_test_does_not_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "test_fails.py").write_text(FAILS)
    options = ("-p", "tests.support.rendering", "-p", "no:cacheprovider", "-c", os.devnull)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=REPO,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "as it should" in done.stdout
    assert "1 failed" in done.stdout and "INTERNALERROR" not in done.stdout, done.stdout
