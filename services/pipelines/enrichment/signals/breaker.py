"""A circuit breaker: a source that keeps failing is left alone, then tried by one request.

One a source and process. A worker's few failures tell that source's state soon enough, and a
breaker in Redis would be one more thing that can fail.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

FAILURES = 3
REST_S = 60.0
MOST_REST_S = 900.0


@dataclass(slots=True)
class Breaker:
    """Closed until `failures` questions in a row failed; open for `rest_s`, doubled each time."""

    failures: int = FAILURES
    rest_s: float = REST_S
    clock: Callable[[], float] = time.monotonic
    _failed: int = 0
    _opened: int = 0
    _until: float = 0.0
    _trying: bool = False

    def admit(self) -> float:
        """0 where a question may go out, else the seconds to wait; half open, one goes at a time.

        Who was admitted says afterwards how it went: `succeeded`, `failed` or `unknown`.
        """
        if self._failed < self.failures:
            return 0.0
        left = self._until - self.clock()
        if left > 0:
            return left
        if self._trying:
            return self.rest_s
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        """The source answered: close."""
        self._failed = self._opened = 0
        self._trying = False

    def failed(self, *, for_good: bool = False) -> None:
        """The source did not answer; `for_good` opens at once, as where it refuses the key."""
        self._trying = False
        self._failed = max(self._failed + 1, self.failures if for_good else 0)
        if self._failed >= self.failures:
            self._until = self.clock() + min(MOST_REST_S, self.rest_s * 2**self._opened)
            self._opened += 1

    def unknown(self) -> None:
        """The question was given up before the source could answer."""
        self._trying = False
