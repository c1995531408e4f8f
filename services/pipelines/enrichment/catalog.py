"""The outside sources there are, and those of them that are asked.

agents -> here. A source is asked where it is enabled (ENRICHMENT_SOURCES) and has the settings it
needs; each of the others says why not, in the job's result and in data_sources.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp

from services.common.config import source_quota, source_rate, source_url
from services.common.db import Database, Executor
from services.common.redis import Client as Redis
from services.pipelines.enrichment import store
from services.pipelines.enrichment.outside import Outsiders
from services.pipelines.enrichment.settings import EnrichmentSettings
from services.pipelines.enrichment.signals import (
    Outside,
    adzuna,
    chicago,
    edgar,
    greenhouse,
    lever,
    licences,
    nyc,
    osha,
    permits,
    sf,
)
from services.pipelines.enrichment.signals.adzuna import Adzuna
from services.pipelines.enrichment.signals.answers import Answers
from services.pipelines.enrichment.signals.chicago import Chicago
from services.pipelines.enrichment.signals.client import Client, Patience
from services.pipelines.enrichment.signals.edgar import Edgar
from services.pipelines.enrichment.signals.gate import Gate
from services.pipelines.enrichment.signals.greenhouse import Greenhouse
from services.pipelines.enrichment.signals.hiring import Boards
from services.pipelines.enrichment.signals.lever import Lever
from services.pipelines.enrichment.signals.licences import Licences
from services.pipelines.enrichment.signals.nyc import NewYork
from services.pipelines.enrichment.signals.osha import Osha
from services.pipelines.enrichment.signals.sf import SanFrancisco
from services.pipelines.enrichment.signals.usaspending import UsaSpending

PATIENT = Patience()


def known(settings: EnrichmentSettings) -> list[Outside]:
    """Every outside source, configured or not, in the order of settings.OUTSIDE."""
    token = settings.source_soda_token
    return [
        UsaSpending(),
        Chicago(permits.about("chicago", chicago.HOST, token)),
        SanFrancisco(permits.about("sf", sf.HOST, token)),
        NewYork(permits.about("nyc", nyc.HOST, token)),
        Osha(osha.about(settings.source_osha_key)),
        Edgar(edgar.about(settings.source_edgar_contact)),
        Adzuna(adzuna.about(settings.source_adzuna_id, settings.source_adzuna_key)),
        Greenhouse(Boards.read(greenhouse.SETTING, settings.source_greenhouse_boards)),
        Lever(Boards.read(lever.SETTING, settings.source_lever_boards)),
        Licences(permits.about("licences", licences.HOST, token)),
    ]


def outsiders(
    settings: EnrichmentSettings,
    session: aiohttp.ClientSession,
    redis: Redis,
    db: Database,
    patience: Patience,
) -> Outsiders:
    """Those that are asked, each with the one client of this process. Raises Misconfigured."""
    sources = known(settings)
    skipped = {s.about.name: why for s in sources if (why := not_asked(settings, s))}
    asked = [source for source in sources if source.about.name not in skipped]
    answers = Answers(redis, fresh_s=settings.enrichment_cache_s)
    return Outsiders(
        sources=asked,
        clients={s.about.name: _client(s, session, redis, answers, db, patience) for s in asked},
        skipped=skipped,
        source_s=settings.enrichment_source_s,
        stale_after=timedelta(days=settings.enrichment_stale_days),
    )


def not_asked(settings: EnrichmentSettings, source: Outside) -> str | None:
    """Why a source is not asked, None where it is."""
    about = source.about
    if about.name not in settings.asked:
        return f"not enabled: add {about.name} to ENRICHMENT_SOURCES"
    return f"not configured: set {about.lacks}" if about.lacks else None


async def announce(db: Executor, settings: EnrichmentSettings) -> None:
    """Tell data_sources of every outside source. Raises Unavailable and Misconfigured."""
    await store.announce(db, [_told(settings, source) for source in known(settings)])


def _told(settings: EnrichmentSettings, source: Outside) -> Mapping[str, Any]:
    about = source.about
    return {
        "name": about.name,
        "enabled": about.name in settings.asked,
        "configured": about.lacks is None,
        "note": not_asked(settings, source),
        "monthly_quota": source_quota(about.name, about.quota),
    }


def _client(
    source: Outside,
    session: aiohttp.ClientSession,
    redis: Redis,
    answers: Answers,
    db: Database,
    patience: Patience,
) -> Client:
    about = source.about
    source_url(about.name, about.home)  # a bad SOURCE_<NAME>_URL is told at the start
    rate = source_rate(about.name, about.rate, about.home)
    gate = Gate(redis, about.name, rate, redis_s=patience.redis_s)
    client = Client(
        session, about.name, gate, answers, headers=about.headers, secrets=about.secrets,
        patience=patience,
    )  # fmt: skip
    if source_quota(about.name, about.quota) is not None:
        client.take = partial(store.take_quota, db, about.name)
    return client
