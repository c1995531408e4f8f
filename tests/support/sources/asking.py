"""Asking one outside source in a test: its stand-in, its client, what it told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.pipelines.enrichment.signals import Outside, Signal
from services.pipelines.enrichment.signals.client import Patience
from services.pipelines.enrichment.signals.firms import Firm
from tests.support.sources.clients import PLAIN, Memory, client_of
from tests.support.sources.stand_in import Respond, StandIn, stand_in


@dataclass(slots=True)
class Asking:
    """A source with its stand-in; `firm` is whom it is asked about."""

    outside: Outside
    stand_in: StandIn
    firm: Firm
    memory: Memory = field(default_factory=Memory)
    patience: Patience = PLAIN

    async def signals(self, firm: Firm | None = None) -> list[Signal]:
        """What the source tells, past any cache."""
        self.memory.kept.clear()
        async with client_of(self.outside.about, self.memory, patience=self.patience) as client:
            return await self.outside.ask(client, firm or self.firm)

    async def one(self) -> Signal:
        """The only signal."""
        (signal,) = await self.signals()
        return signal

    async def of(self, *answers: Any) -> list[Signal]:
        """What it makes of these answers, the last of them again and again."""
        left = list(answers)
        self.stand_in.respond = lambda _: left.pop(0) if len(left) > 1 else left[0]
        return await self.signals()


@asynccontextmanager
async def asking(outside: Outside, firm: Firm, respond: Respond) -> AsyncIterator[Asking]:
    """SOURCE_<NAME>_URL points at the stand-in during the block."""
    with pytest.MonkeyPatch.context() as patched:
        async with stand_in(respond) as running:
            patched.setenv(f"SOURCE_{outside.about.name.upper()}_URL", running.url)
            yield Asking(outside, running, firm)
