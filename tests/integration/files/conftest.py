"""Files sent to the jobs service and read by the ingestion worker, both in this process."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from services.common.db import Database
from services.common.http.token import make
from services.common.types import Role
from services.jobs.app import build
from services.jobs.settings import JobsSettings
from tests.support.ingestion import finished, ingestion_worker

SECRET = "a secret that is long enough for HS256"
AS_OF = "2026-11-01"
Client = TestClient[web.Request, web.Application]


def serving(environment: dict[str, str], **settings: Any) -> TestClient[Any, Any]:
    """A client of the jobs service, called by an analyst."""
    given = {key.lower(): value for key, value in environment.items()} | {"jwt_secret": SECRET}
    read = JobsSettings.model_validate(given | settings)
    bearer = {"Authorization": f"Bearer {make(read, Role.ANALYST, 'ann')}"}
    return TestClient(TestServer(build(read)), headers=bearer)


@pytest.fixture
async def api(environment: dict[str, str]) -> AsyncIterator[Client]:
    async with serving(environment) as client:
        yield client


@pytest.fixture
async def worker(environment: dict[str, str]) -> AsyncIterator[Database]:
    """The pool of a database that an ingestion worker works on, ten filings a page."""
    async with ingestion_worker(environment, ingest_page_size=10) as db:
        yield db


async def send(
    api: Client, form: str, files: Mapping[str, bytes], **query: str
) -> tuple[int, dict[str, Any]]:
    """Send files as a form; status and answer."""
    data = aiohttp.FormData()
    for name, content in files.items():
        data.add_field("file", content, filename=name)
    params = {"format": form, "as_of": AS_OF} | query
    async with api.post("/api/jobs/ingestion/files", params=params, data=data) as answer:
        return answer.status, await answer.json()


async def take(
    api: Client, db: Database, form: str, files: Mapping[str, bytes], **query: str
) -> dict[str, Any]:
    """Send files and wait until they are read; the job, which must have succeeded."""
    status, told = await send(api, form, files, **query)
    assert status == 202, told
    job = await finished(db, told["id"])
    assert job["state"] == "succeeded", job["error"]
    return job
