"""The command line over the ledger: `python -m services.jobs list|show|retry|pause|...`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias, get_args

import orjson

from services.common.config import Settings, load
from services.common.db import Database
from services.common.errors import AppError
from services.common.jobs import QUEUES
from services.jobs import commands, schedule_commands
from services.jobs.models import JobState
from services.jobs.models_schedules import Policy
from services.jobs.models_steering import Action

Adder: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser() -> argparse.ArgumentParser:
    """The arguments; each command has its function as `command`."""
    top = argparse.ArgumentParser(prog="python -m services.jobs", description=__doc__)
    add = top.add_subparsers(required=True)
    _about_jobs(add)
    _about_many(add)
    _about_queues(add)
    _about_schedules(add)
    return top


def _about_jobs(add: Adder) -> None:
    listing = add.add_parser("list", help="jobs, newest first")
    _filters(listing)
    listing.add_argument("--limit", type=int, choices=range(1, 101), default=20, metavar="1..100")
    listing.set_defaults(command=commands.list_)
    add_one = partial(_one, add)
    add_one("show", commands.show, "everything about one job, as JSON")
    add_one("retry", commands.retry, "start a dead or cancelled job over, with failed children")
    add_one("cancel", commands.cancel, "cancel a job and its children")
    replay = add_one("replay", commands.replay, "do a final job's work again, as a new job")
    replay.add_argument("--args", type=_object, metavar="JSON", help="other arguments")
    change = add_one("priority", commands.change, "give a waiting job another priority")
    change.add_argument("priority", type=int, help="lower numbers run first")
    dead = add.add_parser("dead", help="what jobs died of, the most frequent cause first")
    dead.add_argument("--kind")
    dead.add_argument("--queue")
    dead.set_defaults(command=commands.dead)
    stats = add.add_parser("stats", help="jobs by queue and state")
    stats.set_defaults(command=commands.stats)


def _about_many(add: Adder) -> None:
    bulk = add.add_parser("bulk", help="do something to all jobs that match, as a job")
    bulk.add_argument("action", choices=get_args(Action))
    _filters(bulk)
    bulk.add_argument("--priority", type=int, help="with prioritise")
    bulk.add_argument("--rate", type=float, help="most jobs a second")
    bulk.add_argument("--reason", help="why, for the audit trail")
    bulk.set_defaults(command=commands.bulk)


def _filters(one: argparse.ArgumentParser) -> None:
    one.add_argument("--state", choices=get_args(JobState))
    one.add_argument("--kind")
    one.add_argument("--queue")
    one.add_argument("--fingerprint", help="of the error, as `dead` shows it")
    one.add_argument("--error-class", help="for instance SourceUnavailable")
    one.add_argument("--arg", help="value of an argument, like source=co")
    one.add_argument("--parent", type=int, dest="parent_id", help="children of this job")
    one.add_argument("--since", type=_moment, help="made at this time or later (ISO 8601)")
    one.add_argument("--until", type=_moment, help="made before this time")


def _one(add: Adder, name: str, command: commands.Command, meaning: str) -> argparse.ArgumentParser:
    one = add.add_parser(name, help=meaning)
    one.add_argument("id", type=int)
    one.add_argument("--reason", help="why, for the audit trail")
    one.set_defaults(command=command)
    return one


def _object(text: str) -> dict[str, Any]:
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _about_queues(add: Adder) -> None:
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


def _about_schedules(add: Adder) -> None:
    top = add.add_parser("schedules", help="what runs when; run, edit, history")
    top.set_defaults(command=schedule_commands.schedules)
    does = top.add_subparsers(metavar="run|edit|history")
    run = does.add_parser("run", help="start a run now")
    history = does.add_parser("history", help="what ran, and what was skipped")
    edit = does.add_parser("edit", help="change when and how it runs")
    edit.add_argument("--cron", help="minute hour day month weekday")
    edit.add_argument("--timezone")
    edit.add_argument("--policy", dest="missed_policy", choices=get_args(Policy))
    edit.add_argument("--args", type=_object, metavar="JSON")
    edit.add_argument("--enable", dest="enabled", action="store_true", default=None)
    edit.add_argument("--disable", dest="enabled", action="store_false")
    for one, command in (
        (run, schedule_commands.schedule_run), (history, schedule_commands.schedule_history),
        (edit, schedule_commands.schedule_edit),
    ):  # fmt: skip
        one.add_argument("name")
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
