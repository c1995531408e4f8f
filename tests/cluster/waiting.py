"""Wait for what a cluster does in its own time."""

import time
from collections.abc import Callable

UNTIL_S = 60.0


def until(met: Callable[[], object], what: str, seconds: float = UNTIL_S) -> None:
    """Return as soon as `met()` is true; AssertionError that says what was waited for."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
