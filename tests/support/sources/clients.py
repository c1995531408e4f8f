"""Clients of outside sources for tests without Redis and without waiting."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import aiohttp

from services.common.redis import Client as Redis
from services.pipelines.enrichment.signals import About
from services.pipelines.enrichment.signals.answers import Answers
from services.pipelines.enrichment.signals.breaker import Breaker
from services.pipelines.enrichment.signals.client import Client, Patience
from services.pipelines.enrichment.signals.firms import Firm
from services.pipelines.enrichment.signals.gate import Gate
from services.pipelines.enrichment.signals.places import Place

ME = UUID(int=7)
PLAIN = Patience()
HASTY = Patience(timeout_s=1)
"""For sources that do not answer."""


class Memory:
    """As much of Redis as one client without company needs: every turn is now."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.hushed: list[float] = []

    async def eval(self, script: str, keys: int, key: str, *arguments: str) -> int:
        """Note what a source asked for; a turn is free at once."""
        if len(arguments) == 1:
            self.hushed.append(float(arguments[0]) / 1e6)
        return 0

    async def get(self, key: str) -> bytes | None:
        """What was set."""
        return self.kept.get(key)

    async def set(self, key: str, value: bytes, ex: int) -> None:
        """Keep for ever."""
        self.kept[key] = value


async def no_wait(seconds: float) -> None:
    """Instead of sleeping."""


@asynccontextmanager
async def client_of(
    about: About,
    memory: Memory | None = None,
    *,
    patience: Patience = PLAIN,
    **changes: Any,
) -> AsyncIterator[Client]:
    """A client of the source; SOURCE_<NAME>_URL says where it is."""
    redis = cast("Redis", memory or Memory())
    async with aiohttp.ClientSession() as session:
        given: dict[str, Any] = {
            "gate": Gate(redis, about.name, None, sleep=no_wait),
            "answers": Answers(redis),
            "breaker": Breaker(),
            "headers": about.headers,
            "secrets": about.secrets,
            "patience": patience,
            "sleep": no_wait,
        } | changes
        yield Client(session, about.name, **given)


def firm(
    name: str = "KING REBAR, L.L.C.", state: str = "CO", *places: Place, **changes: Any
) -> Firm:
    """A business at 5200 S Broadway, Englewood, unless `places` say otherwise."""
    home = Place.of("5200 S BROADWAY", "ENGLEWOOD", "CO", "80110")
    return Firm(ME, state, name, (name,), places=places or (home,), **changes)


def row_without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A row in which some keys are missing, as Socrata leaves out nulls."""
    return {name: value for name, value in row.items() if name not in names}
