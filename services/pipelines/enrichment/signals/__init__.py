"""Sources of growth signals: one module each, of one of these two shapes.

A `Source` reads our own database and is asked at every change. An `Outside` source is asked over
the network, in jobs only, through the client that keeps its rate, quota and rests (client.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from services.common.db import Executor

if TYPE_CHECKING:
    from services.pipelines.enrichment.signals.client import Client
    from services.pipelines.enrichment.signals.firms import Firm

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
    """Collects all present signals of some prospects; what it no longer tells is removed."""

    @property
    def name(self) -> str:
        """What growth_signals.source says."""
        ...

    async def collect(self, db: Executor, prospects: Sequence[UUID]) -> list[Signal]:
        """Every signal this source has of `prospects`; raises AppError where it cannot tell."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """Where an outside source is and how it may be asked.

    `name` is that of growth_signals.source and of SOURCE_<NAME>_URL, _RATE and _QUOTA, which go
    before `home`, `rate` (requests a second) and `quota` (requests a month, None: no limit).
    `lacks` names the settings without which it cannot be asked. `headers`, and the parameters in
    `secrets`, go with every request.
    """

    name: str
    home: str
    rate: float
    quota: int | None = None
    lacks: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class Outside(Protocol):
    """A source of another house: asked about one business at a time, politely."""

    @property
    def about(self) -> About:
        """Its name, address and terms."""
        ...

    def passes(self, firm: "Firm", /) -> str | None:
        """Why there is nothing to ask about `firm`, None where there is."""
        ...

    async def ask(self, client: "Client", firm: "Firm") -> list[Signal]:
        """Every present signal of `firm`, all or none.

        Raises SourceUnavailable, SourceRejected, QuotaUsed and RedisAway, as the client does.
        """
        ...
