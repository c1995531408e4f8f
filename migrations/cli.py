"""The commands of `python -m migrations`; exit 0 done, 1 refused or failed, 2 wrong usage."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from migrations import checks, lint, runner
from migrations.files import SQL_DIR, Migration, load
from migrations.schema import SCHEMA_SQL
from migrations.settings import MigrationSettings
from services.common import config, logs
from services.common.errors import AppError

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors go to stderr as sentences."""
    args = _parser().parse_args(argv)
    try:
        return asyncio.run(_run(args))
    except AppError as exc:
        return _complain(exc.detail)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        return _complain(f"The database refused `{args.command}`: {exc}")
    except (KeyboardInterrupt, asyncio.CancelledError):
        return _complain("Stopped. Run this again: it reads from the database what was committed.")


async def _run(args: argparse.Namespace) -> int:
    migrations = load(args.dir)
    if args.command == "lint":
        return _report(lint.problems(migrations), f"{len(migrations)} migrations are well formed")
    settings = config.load(MigrationSettings)
    _configure_logs(settings.log_level)
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await _command(args, settings, migrations)


async def _command(
    args: argparse.Namespace, settings: MigrationSettings, migrations: list[Migration]
) -> int:
    url, limits = settings.database_direct_url, settings.limits()
    match args.command:
        case "up":
            done = await runner.up(url, migrations, limits, args.to)
            at = len(migrations) if args.to is None else args.to
            return _say(f"applied {len(done)} migrations; the schema is at {at:04d}")
        case "down":
            done = await runner.down(url, migrations, limits, args.steps)
            return _say(f"undid {len(done)} migrations")
        case "status":
            return _say(await checks.status(url, migrations))
        case "wait":
            version = len(migrations) if args.version is None else args.version
            reached = await checks.wait(url, version, args.timeout)
            return _say(f"the schema is at {reached:04d}")
        case "verify":
            found = await checks.verify(url, migrations, checks.read_schema_sql(args.schema))
            return _report(found, f"the database is at {migrations[-1].label} and without drift")
        case _:
            args.schema.write_text(await checks.schema_text(url, migrations), encoding="utf-8")
            return _say(f"wrote {args.schema}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m migrations", description=__doc__)
    parser.add_argument("--dir", type=Path, default=SQL_DIR, help="folder of the SQL files")
    parser.add_argument("--schema", type=Path, default=SCHEMA_SQL, help="path of schema.sql")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    up = commands.add_parser("up", help="apply what is pending")
    up.add_argument("--to", type=_positive, metavar="N", help="stop after number N")
    down = commands.add_parser("down", help="undo the last N migrations (1), or all")
    down.add_argument("steps", nargs="?", type=_steps, default=1, metavar="N|all")
    commands.add_parser("status", help="table of files and history")
    wait = commands.add_parser("wait", help="block until the schema is there; only reads")
    wait.add_argument("--version", type=_positive, metavar="N", help="default: the newest file")
    wait.add_argument("--timeout", type=float, default=300, metavar="S", help="seconds (300)")
    commands.add_parser("verify", help="checksums, nothing in doubt or pending, no drift")
    commands.add_parser("schema", help="write schema.sql from an up-to-date database")
    commands.add_parser("lint", help="rules for the files; needs no database")
    return parser


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _steps(value: str) -> int | None:
    return None if value == "all" else _positive(value)


def _configure_logs(level: str) -> None:
    """JSON lines for machines, plain ones where a person looks on."""
    if sys.stdout.isatty():
        logging.basicConfig(level=level, format="%(message)s", stream=sys.stdout)
    else:
        logs.configure("migrations", level)


def _say(line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return 0


def _complain(line: str) -> int:
    sys.stderr.write(f"{logs.redact(line)}\n")
    return 1


def _report(problems: list[str], fine: str) -> int:
    return _complain("\n".join(problems)) if problems else _say(fine)
