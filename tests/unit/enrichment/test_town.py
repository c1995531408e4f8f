"""The stand-in of all sources at once: it knows who is asked for, and repeats itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from services.pipelines.enrichment import catalog
from services.pipelines.enrichment.settings import OUTSIDE, EnrichmentSettings
from services.pipelines.enrichment.signals import Outside, Signal
from services.pipelines.enrichment.signals.client import Patience
from tests.support.sources import town
from tests.support.sources.clients import client_of
from tests.support.sources.stand_in import Fault
from tests.support.sources.town import app, variables
from tests.unit.enrichment.test_source_faults import EVERYWHERE

ASKED = OUTSIDE[:7] + OUTSIDE[9:]


@pytest.fixture
def share() -> float:
    return 0.0


@pytest.fixture(params=ASKED)
async def source(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, share: float
) -> AsyncIterator[Outside]:
    async with TestServer(app(share)) as server:
        for name, value in variables(str(server.make_url("")).rstrip("/")).items():
            monkeypatch.setenv(name, value)
        settings = EnrichmentSettings.model_validate({"database_url": "postgres://x"})
        assert settings.asked == set(ASKED)
        yield catalog.known(settings)[OUTSIDE.index(request.param)]


async def test_it_knows_who_is_asked_for_every_time(source: Outside) -> None:
    told = []
    for _ in range(2):
        async with client_of(source.about) as client:
            told.append(await source.ask(client, EVERYWHERE))
    assert told[0] == told[1]
    assert told[0]


@pytest.mark.parametrize("share", [0.3])
async def test_faults_change_no_answer(
    source: Outside, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town, "FAULTS", (*town.FAULTS[:-1], Fault(slow_s=0.01)))
    firms = [replace(EVERYWHERE, name=f"FIRM NUMBER {n} LLC", names=()) for n in range(25)]
    many = Patience(tries=30, slow_tries=30, timeout_s=5)

    async def told() -> list[list[Signal]]:
        async with client_of(source.about, patience=many) as client:
            return await asyncio.gather(*(source.ask(client, firm) for firm in firms))

    first = await told()
    assert await told() == first
    assert any(first)
