"""What is done only now and then for each resource, and when it was done last."""

import time
from collections.abc import Callable

from operators.migrator.queue import Key


class Rhythm:
    """Times of one thing that is done every so often; a restart only does it once more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[Key, float] = {}

    def left_s(self, key: Key, every_s: float) -> float:
        """Seconds until it is due again, 0 where it is."""
        last = self._last.get(key)
        return 0.0 if last is None else max(0.0, last + every_s - self._clock())

    def done(self, key: Key) -> None:
        """It was done now."""
        self._last[key] = self._clock()

    def forget(self, key: Key) -> None:
        """It is due at once."""
        self._last.pop(key, None)
