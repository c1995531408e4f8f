"""Keeping uploaded files together with the job that reads them."""

from collections.abc import Sequence
from pathlib import Path

from services.common.bulk import storage
from services.common.bulk.storage import Looked
from services.common.db import Database
from services.common.sql import load
from services.jobs import service, store
from services.jobs.models import JobDetail
from services.jobs.models_files import FileQuery

Q = load(Path(__file__).with_name("queries.sql"))


async def keep(db: Database, asked: FileQuery, files: Sequence[Looked], digest: str) -> JobDetail:
    """Store the files and ask for the job; the job that is reading them already, if there is one.

    One transaction: a crash leaves neither pieces nor a job without files.
    """
    key = service.file(0, asked, digest).dedupe_key
    async with db.transaction() as tx:
        if live := await tx.fetchval(Q["upload_live_job"], key):
            return await store.get(tx, live)
        upload = await storage.keep(tx, asked.format, asked.office, files, bytes.fromhex(digest))
        return await store.create_in(tx, service.file(upload, asked, digest))
