"""Address of uploads: files that a register publishes whole, read by a job."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b

from aiohttp import web

from services.common.bulk import inspect
from services.common.bulk.layouts import LAYOUTS
from services.common.bulk.storage import Looked
from services.common.context import Principal
from services.common.errors import RequestTimeout, Unavailable, Unprocessable
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.http.state import SETTINGS
from services.common.http.uploads import MEDIA_TYPES, Received, received
from services.jobs import service, store_files
from services.jobs.models import Job
from services.jobs.models_files import FileQuery
from services.jobs.routes import accepted
from services.jobs.settings import JobsSettings

routes = Routes("/api/jobs", tag="jobs")
PLACES: web.AppKey[asyncio.Semaphore] = web.AppKey("upload_places", asyncio.Semaphore)


@routes.post(
    "/ingestion/files",
    roles=service.REQUESTERS,
    status=202,
    response=Job,
    uploads=MEDIA_TYPES,
    errors=(Unprocessable, RequestTimeout, Unavailable),
)
async def ingest_files(
    request: web.Request, principal: Principal, query: FileQuery
) -> web.StreamResponse:
    """Read files of a register: the body is one file, or a form of several that belong together.

    Tables may come as they are or in zips, in one request or one after the other, in any order.
    What is not such a file is refused here and nothing is kept of it. While the very same files
    are being read, the answer is that job; files that were read before change nothing.
    """
    settings = request.app[SETTINGS]
    assert isinstance(settings, JobsSettings)  # noqa: S101 - build() gave them
    async with (
        _place(request.app[PLACES]),
        received(
            request,
            name=query.name,
            limit=settings.file_limit_bytes,
            stall_s=settings.file_stall_s,
            total_s=settings.file_total_s,
        ) as files,
    ):
        looked = await asyncio.to_thread(_look, files, query, settings.file_unpacked_limit_bytes)
        job = await store_files.keep(request.app[DB], query, looked, _digest(files))
    return accepted(principal, job)


@asynccontextmanager
async def _place(places: asyncio.Semaphore) -> AsyncIterator[None]:
    if places.locked():
        raise Unavailable("Other files are being received: send these again", retry_after=10)
    async with places:
        yield


def _look(files: Sequence[Received], query: FileQuery, limit: int) -> list[Looked]:
    layout = LAYOUTS[query.format]
    return [
        Looked(f.name, f.path, f.size, inspect.members(f.path, f.name, layout, limit))
        for f in files
    ]


def _digest(files: Sequence[Received]) -> str:
    """Of the contents alone: neither names nor order count."""
    return blake2b(b"".join(sorted(f.digest for f in files)), digest_size=16).hexdigest()
