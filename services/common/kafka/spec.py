"""What the workers of a queue can do: its kinds with their handlers, versions and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.common.jobs import Handler, Job
from services.common.kafka.failure import UnknownKind, WrongVersion

FIRST_VERSION = frozenset({1})


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """Handlers by job kind; kinds in `resume_with_dead` are resumed even with dead children.

    `versions` of arguments that a kind's handler knows, {1} unless given; `time_limit_s` for one
    attempt, `time_limits` by kind: a handler that hangs is interrupted and tried again.
    """

    handlers: Mapping[str, Handler]
    concurrency: int = 4
    resume_with_dead: frozenset[str] = frozenset()
    versions: Mapping[str, frozenset[int]] = field(default_factory=dict)
    time_limit_s: float = 3600
    time_limits: Mapping[str, float] = field(default_factory=dict)

    def handler(self, job: Job, queue: str) -> Handler:
        """Who takes `job`. Raises UnknownKind, WrongVersion: nobody here ever will."""
        handler = self.handlers.get(job.kind)
        if handler is None:
            raise UnknownKind(f"No handler for {job.kind!r} in the workers of {queue!r}")
        known = self.versions.get(job.kind, FIRST_VERSION)
        if job.version not in known:
            raise WrongVersion(
                f"Version {job.version} of {job.kind!r} is not among those known: {sorted(known)}"
            )
        return handler

    def time_limit(self, kind: str) -> float:
        """Seconds that an attempt at `kind` may take."""
        return self.time_limits.get(kind, self.time_limit_s)

    @property
    def longest_s(self) -> float:
        """Seconds after which no attempt runs any more."""
        return max([self.time_limit_s, *self.time_limits.values()])
