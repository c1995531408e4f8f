"""The stand-in of all sources at once: it knows who is asked for, and repeats itself."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestServer

from services.pipelines.enrichment import catalog
from services.pipelines.enrichment.settings import OUTSIDE, EnrichmentSettings
from services.pipelines.enrichment.signals import Outside
from tests.support.sources.clients import client_of
from tests.support.sources.town import app, variables
from tests.unit.enrichment.test_source_faults import EVERYWHERE

ASKED = OUTSIDE[:7] + OUTSIDE[9:]


@pytest.fixture(params=ASKED)
async def source(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Outside]:
    async with TestServer(app(0)) as server:
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
