"""How many migration Jobs run at once, over all resources: first come, first served."""

from collections.abc import Callable

from operators.migrator.queue import Key


class Slots:
    """`wake` is called for the resource that waits longest when a slot gets free."""

    def __init__(self, most: int, wake: Callable[[Key], None]) -> None:
        self._most = most
        self._wake = wake
        self._taken: set[Key] = set()
        self._waiting: dict[Key, None] = {}

    def room(self, key: Key) -> bool:
        """Whether `key` may start a Job now; those that waited longer go first."""
        if key in self._taken:
            return True
        ahead = [*self._waiting].index(key) if key in self._waiting else len(self._waiting)
        return len(self._taken) + ahead < self._most

    def take(self, key: Key) -> None:
        """A Job of `key` runs; also one found running, whatever the limit says."""
        self._waiting.pop(key, None)
        self._taken.add(key)

    def wait(self, key: Key) -> None:
        """`key` wants a slot."""
        self._waiting.setdefault(key)

    def free(self, key: Key) -> None:
        """No Job of `key` runs, and it wants none."""
        self._waiting.pop(key, None)
        if key in self._taken:
            self._taken.discard(key)
        for waiting in list(self._waiting)[: max(0, self._most - len(self._taken))]:
            self._wake(waiting)
