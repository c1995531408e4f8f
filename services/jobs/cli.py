"""The command line over the ledger: `python -m services.jobs list|show|retry|cancel|stats`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import get_args

import orjson

from services.common.config import Settings, load
from services.common.db import Database
from services.common.errors import AppError
from services.jobs import store
from services.jobs.models import JobState, ListQuery

Command = Callable[[Database, argparse.Namespace], Awaitable[str]]


def parser() -> argparse.ArgumentParser:
    """The arguments; each command has its function as `command`."""
    top = argparse.ArgumentParser(prog="python -m services.jobs", description=__doc__)
    commands = top.add_subparsers(required=True)
    listing = commands.add_parser("list", help="jobs, newest first")
    listing.add_argument("--state", choices=get_args(JobState))
    listing.add_argument("--kind")
    listing.add_argument("--queue")
    listing.add_argument("--limit", type=int, choices=range(1, 101), default=20, metavar="1..100")
    listing.set_defaults(command=_list)
    for name, command, meaning in (
        ("show", _show, "everything about one job, as JSON"),
        ("retry", _retry, "start a dead or cancelled job over, with its failed children"),
        ("cancel", _cancel, "cancel a job and its children"),
    ):
        one = commands.add_parser(name, help=meaning)
        one.add_argument("id", type=int)
        one.set_defaults(command=command)
    commands.add_parser("stats", help="jobs by queue and state").set_defaults(command=_stats)
    return top


def main(arguments: Sequence[str]) -> int:
    """Run a command; 0, or 1 with the reason on stderr."""
    options = parser().parse_args(arguments)
    try:
        sys.stdout.write(asyncio.run(_run(options)) + "\n")
    except AppError as exc:
        sys.stderr.write(f"{exc.detail}\n")
        return 1
    return 0


async def _run(options: argparse.Namespace) -> str:
    settings = load(Settings)
    db = await Database.connect(settings.database_url, min_size=0, max_size=1)
    try:
        text: str = await options.command(db, options)
        return text
    finally:
        await db.close()


async def _list(db: Database, options: argparse.Namespace) -> str:
    query = ListQuery(
        state=options.state, kind=options.kind, queue=options.queue, limit=options.limit
    )
    found = await store.page(db, query)
    rows = [
        (job.id, job.kind, job.state, f"{job.attempt}/{job.max_attempts}",
         f"{job.created_at:%Y-%m-%d %H:%M:%S}", job.error.message[:60] if job.error else "")
        for job in found.jobs
    ]  # fmt: skip
    shown = _table([("id", "kind", "state", "tries", "created (UTC)", "error"), *rows])
    return f"{shown}\n{len(rows)} of {found.pagination.total} jobs"


async def _show(db: Database, options: argparse.Namespace) -> str:
    job = await store.get(db, options.id)
    return orjson.dumps(job.model_dump(mode="json"), option=orjson.OPT_INDENT_2).decode()


async def _retry(db: Database, options: argparse.Namespace) -> str:
    return f"queued: {_ids(await store.rerun(db, options.id))}"


async def _cancel(db: Database, options: argparse.Namespace) -> str:
    return f"cancelled: {_ids(await store.cancel(db, options.id))}"


async def _stats(db: Database, _options: argparse.Namespace) -> str:
    rows = await store.stats(db)
    head = ("queue", "state", "jobs", "oldest (s)")
    return _table([head, *(tuple(row.values()) for row in rows)])


def _ids(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


def _table(rows: Sequence[tuple[object, ...]]) -> str:
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
