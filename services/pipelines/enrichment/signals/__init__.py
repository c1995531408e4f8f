"""Sources of growth signals: one module each, all of this one shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol
from uuid import UUID

from services.common.db import Executor

SignalType = Literal["equipment", "contract", "permit", "hiring", "expansion", "violation"]


@dataclass(frozen=True, slots=True)
class Signal:
    """A sign of growth (or a violation); `source_key` names it within its source for ever.

    `amount` in US dollars; `confidence` 0 to 1 that it belongs to this prospect.
    """

    prospect_id: UUID
    type: SignalType
    source_key: str
    observed_on: date | None
    title: str
    evidence: dict[str, Any] = field(default_factory=dict)
    amount: float | None = None
    confidence: float = 1.0


class Source(Protocol):
    """Collects all present signals of some prospects; what it no longer tells is removed.

    `collect` runs outside any transaction, so it may ask the network.
    """

    @property
    def name(self) -> str:
        """What growth_signals.source says."""
        ...

    async def collect(self, db: Executor, prospects: Sequence[UUID]) -> list[Signal]:
        """Every signal this source has of `prospects`; raises AppError where it cannot tell."""
        ...
