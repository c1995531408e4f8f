"""Whether the watch is alive: what a list shows must have been heard of by the watch.

kopf's own probe only tells that the process answers; a watch can go silent behind a load
balancer or a dead API server while it does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.common.errors import AppError


class Deaf(AppError, status=503):
    """The watch did not deliver a change: the operator has to be started again."""


@dataclass(slots=True)
class Pulse:
    """Compares resource versions by uid; times are those of a monotonic clock, in seconds."""

    patience_s: float
    started: float
    heard: dict[str, int] = field(default_factory=dict)
    missed: dict[str, tuple[float, str]] = field(default_factory=dict)
    listed_at: float | None = None
    refused: tuple[float, str] | None = None

    def hear(self, uid: str, version: str) -> None:
        """The watch delivered an object in this version."""
        self.heard[uid] = max(self.heard.get(uid, 0), _number(version))

    def forget(self, uid: str) -> None:
        """The watch said that an object is gone."""
        self.heard.pop(uid, None)
        self.missed.pop(uid, None)

    def listed(self, found: Mapping[str, tuple[str, str]], now: float) -> None:
        """A list has these objects: uid -> (name, version)."""
        self.listed_at, self.refused = now, None
        behind = {
            uid: name
            for uid, (name, version) in found.items()
            if self.heard.get(uid, -1) < _number(version)
        }
        self.missed = {uid: self.missed.get(uid, (now, name)) for uid, name in behind.items()}

    def away(self, now: float) -> None:
        """The API server does not answer: nothing to compare, and a restart helps nobody."""
        self.listed_at = now

    def failed(self, reason: str, now: float) -> None:
        """The API server refused the list although it answers."""
        self.listed_at = now
        self.refused = self.refused or (now, reason)

    def check(self, now: float) -> None:
        """Raise Deaf with what is wrong."""
        if now - (self.listed_at or self.started) > 3 * self.patience_s:
            raise Deaf(f"SchemaMigrations were not listed for {3 * self.patience_s:.0f} s.")
        if self.refused and now - self.refused[0] > self.patience_s:
            raise Deaf(f"SchemaMigrations cannot be listed: {self.refused[1]}")
        late = [name for since, name in self.missed.values() if now - since > self.patience_s]
        if late:
            names = ", ".join(sorted(late)[:5])
            raise Deaf(
                f"The watch is silent: {len(late)} changed objects were not delivered within "
                f"{self.patience_s:.0f} s ({names})."
            )


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0
