"""What one look at a resource finds, and what is decided from it: pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migrations.files import Migration
from migrations.state import State
from operators.migrator.attempt import Attempt
from operators.migrator.fleet import Deployed
from operators.migrator.job import Launch, Owner
from operators.migrator.spec import Spec


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something could not be read: a code of status.REASON_OF, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Pace:
    """The migrator's own patience, in seconds."""

    resync_s: float = 60
    poll_s: float = 2
    grace_s: float = 20


@dataclass(frozen=True, slots=True)
class Observed:
    """One look. `files` are those of a ConfigMap; those of an image only its Job sees.

    `problem` is the first thing that could not be read; `state` is None then, and while an
    attempt runs. `looks` counts the looks in a row that met a problem.
    """

    owner: Owner
    spec: Spec
    status: Mapping[str, Any]
    now: datetime
    round: str
    revision: str | None
    retry: str | None = None
    attempts: tuple[Attempt, ...] = ()
    files: Sequence[Migration] | None = None
    problem: Problem | None = None
    state: State | None = None
    fleet: tuple[Deployed, ...] = ()
    plan: Mapping[str, Any] | None = None
    drift: list[str] | None = None
    blockers: Sequence[Mapping[str, Any]] = ()
    room: bool = True
    looks: int = 0
    pace: Pace = Pace()

    @property
    def request(self) -> str:
        """What a target and its checksum belong to: this source and this goal."""
        text = f"{self.revision}\n{self.spec.goal}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an attempt ended."""

    attempt: int
    outcome: str
    code: str | None
    message: str
    seconds: float
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The new status, what to do, and when to look again."""

    status: Mapping[str, Any]
    again_s: float
    start: Launch | None = None
    delete: tuple[str, ...] = ()
    verdict: Verdict | None = None
