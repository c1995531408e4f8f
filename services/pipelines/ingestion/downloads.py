"""The jobs of a register that offers its files for download: Florida, asked as `ingestion`.

run (`ingestion`) -> `ingestion.download` for the whole register or one day after the other -> the
files of each as an upload of their own (files.py). Days come in their order: of two lists of a
filing's parties the later counts.
"""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.common.bulk import inspect, storage
from services.common.bulk.layouts import LAYOUTS
from services.common.bulk.storage import Looked
from services.common.jobs import Done, FanOut, JobContext, NewJob, Outcome, Snooze
from services.pipelines.ingestion import store
from services.pipelines.ingestion.registers.florida_downloads import SOURCE, TYPES
from services.pipelines.ingestion.steps import QUEUE, Ingestion, as_of_day, day_of

FULL_FROM_DAYS = 60
"""Days from which on the whole register is asked for instead: four requests, not hundreds."""
UNPACKED_LIMIT = 20 * 1024**3
_DAY = timedelta(days=1)


async def run(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    """Read what is new: {"source": "fl", "since"?, "until"?, "as_of"?, dates as YYYY-MM-DD}."""
    progress = ctx.job.progress
    if progress.get("phase") is None:
        return await _start(ctx, state, args)
    last = day_of(progress, "last")
    if progress["phase"] == "days" and (day := day_of(progress, "day")) and last and day < last:
        return _next(ctx, {"day": (day + _DAY).isoformat()})
    unscored = await state.unscored(ctx)
    if isinstance(unscored, Snooze):
        return unscored
    await store.source_succeeded(ctx.db, SOURCE, day_of(progress, "since"), last)
    return Done({**await store.child_totals(ctx.db, ctx.job.id), "unscored": unscored})


async def _start(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    through = await state.downloads.completed_through()
    await store.source_started(ctx.db, SOURCE)
    since, last = day_of(args, "since"), min(day_of(args, "until") or through, through)
    if since is None and (covered := await store.covered_until(ctx.db, SOURCE)):
        since = covered - state.overlap
    if since is not None and since > last:
        return Done({"rows": 0, "through": through.isoformat()})
    whole = since is None or (last - since).days >= FULL_FROM_DAYS
    plan = {
        "phase": "full" if whole else "days",
        "as_of": as_of_day(args).isoformat(),
        "since": since.isoformat() if since else None,
        "last": last.isoformat(),
        "day": None if whole or since is None else since.isoformat(),
    }
    return _next(ctx, plan)


def _next(ctx: JobContext, plan: dict[str, Any]) -> FanOut:
    """Ask for a day, or for everything."""
    known = ctx.job.progress | plan
    args = {"source": SOURCE, "day": known["day"], "as_of": known["as_of"]}
    key = f"ingestion.download:{ctx.job.id}:{known['day']}"
    job = NewJob("ingestion.download", QUEUE, args, dedupe_key=key, max_attempts=8)
    return FanOut([job], plan)


async def download(ctx: JobContext, state: Ingestion, args: dict[str, Any]) -> Outcome:
    """Fetch the files of a day, or all: {"source", "day": YYYY-MM-DD or None, "as_of"}."""
    if ctx.job.progress.get("upload"):
        return Done(await store.child_totals(ctx.db, ctx.job.id))
    with TemporaryDirectory(prefix="ucc-download-") as folder:
        files = await _fetch(state, day_of(args, "day"), Path(folder))
        if not files:
            return Done({"rows": 0})
        async with ctx.db.transaction() as tx:
            digest = await asyncio.to_thread(_digest, files)
            upload = await storage.keep(tx, "fl", "FL", files, digest)
            await ctx.fence(tx)
    read = {"source": SOURCE, "format": "fl", "upload": upload, "as_of": args["as_of"]}
    return FanOut([NewJob("ingestion.file", QUEUE, read)], {"upload": upload})


async def _fetch(state: Ingestion, day: date | None, folder: Path) -> list[Looked]:
    found = []
    for kind in TYPES:
        path, name = folder / kind, f"{kind.lower()}.zip"
        if await state.downloads.fetch(kind, day, path):
            members = await asyncio.to_thread(
                inspect.members, path, name, LAYOUTS["fl"], UNPACKED_LIMIT
            )
            found.append(Looked(name, path, path.stat().st_size, members))
    return found


def _digest(files: Sequence[Looked]) -> bytes:
    digest = blake2b(digest_size=16)
    for file in files:
        with file.path.open("rb") as source:
            while piece := source.read(1024 * 1024):
                digest.update(piece)
    return digest.digest()
