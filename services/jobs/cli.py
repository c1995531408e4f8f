"""The command line over the ledger: `python -m services.jobs list|show|retry|pause|...`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import get_args

from services.common.config import Settings, load
from services.common.db import Database
from services.common.errors import AppError
from services.common.jobs import QUEUES
from services.jobs import commands
from services.jobs.models import JobState


def parser() -> argparse.ArgumentParser:
    """The arguments; each command has its function as `command`."""
    top = argparse.ArgumentParser(prog="python -m services.jobs", description=__doc__)
    add = top.add_subparsers(required=True)
    _about_jobs(add)
    _about_queues(add)
    return top


def _about_jobs(add: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    listing = add.add_parser("list", help="jobs, newest first")
    listing.add_argument("--state", choices=get_args(JobState))
    listing.add_argument("--kind")
    listing.add_argument("--queue")
    listing.add_argument("--limit", type=int, choices=range(1, 101), default=20, metavar="1..100")
    listing.set_defaults(command=commands.list_)
    for name, command, meaning in (
        ("show", commands.show, "everything about one job, as JSON"),
        ("retry", commands.retry, "start a dead or cancelled job over, with its failed children"),
        ("cancel", commands.cancel, "cancel a job and its children"),
    ):
        one = add.add_parser(name, help=meaning)
        one.add_argument("id", type=int)
        one.set_defaults(command=command)
    stats = add.add_parser("stats", help="jobs by queue and state")
    stats.set_defaults(command=commands.stats)


def _about_queues(add: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add.add_parser("queues", help="what waits, and limits").set_defaults(command=commands.queues)
    pause = add.add_parser("pause", help="begin no more jobs of a queue; what runs goes on")
    pause.add_argument("--reason")
    resume = add.add_parser("resume", help="begin jobs of a queue again")
    limit = add.add_parser("limit", help="limit a queue over all its workers; 0: no limit")
    limit.add_argument("--concurrency", type=int, help="jobs that run at a time")
    limit.add_argument("--rate", type=float, help="jobs begun in a second")
    for one, command in (
        (pause, commands.pause), (resume, commands.resume), (limit, commands.limit)
    ):  # fmt: skip
        one.add_argument("queue", choices=QUEUES)
        one.set_defaults(command=command)


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
