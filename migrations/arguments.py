"""The command line of `python -m migrations`: names of commands and options, nothing else."""

import argparse
import re
from pathlib import Path

from migrations.files import SQL_DIR
from migrations.schema import SCHEMA_SQL
from services import __version__


def parser(description: str | None) -> argparse.ArgumentParser:
    """The whole command line; every command has `args.report`, None where it was not given."""
    made = argparse.ArgumentParser("python -m migrations", description=description)
    made.set_defaults(report=None)
    made.add_argument("--dir", type=Path, default=SQL_DIR, help="folder of the SQL files")
    made.add_argument("--schema", type=Path, default=SCHEMA_SQL, help="path of schema.sql")
    commands = made.add_subparsers(dest="command", required=True, metavar="command")
    _up(commands.add_parser("up", help="apply what is pending"))
    _down(commands.add_parser("down", help="undo the last N migrations (1), or all"))
    _plan(commands.add_parser("plan", help="what up or down would do, as JSON; changes nothing"))
    commands.add_parser("status", help="table of files and history")
    wait = commands.add_parser("wait", help="block until the schema is there; only reads")
    wait.add_argument("--min", type=_version, metavar="N", help="default: newest expand file")
    wait.add_argument("--version", dest="min", type=_version, help=argparse.SUPPRESS)
    wait.add_argument("--timeout", type=float, default=300, metavar="S", help="seconds (300)")
    commands.add_parser("verify", help="checksums, nothing in doubt or pending, no drift")
    commands.add_parser("schema", help="write schema.sql from an up-to-date database")
    lint = commands.add_parser("lint", help="rules for the files; needs no database")
    lint.add_argument("--all", action="store_true", help="print hints as well")
    lint.add_argument(
        "--app-version",
        type=_app_version,
        default=__version__,
        metavar="X.Y.Z",
        help="release that the files ship with (this one)",
    )
    return made


def _up(up: argparse.ArgumentParser) -> None:
    up.add_argument("--to", type=_positive, metavar="N", help="stop after number N")
    app = up.add_mutually_exclusive_group()
    app.add_argument(
        "--app-version",
        type=_app_version,
        metavar="X.Y.Z",
        help="oldest release that runs: contract files for a newer one wait",
    )
    app.add_argument("--no-app", action="store_true", help="nothing runs: no file waits (default)")
    _report(up)


def _down(down: argparse.ArgumentParser) -> None:
    down.add_argument("steps", nargs="?", type=_steps, default=1, metavar="N|all")
    down.add_argument("--to", type=_version, metavar="N", help="undo all above number N instead")
    _report(down)


def _plan(plan: argparse.ArgumentParser) -> None:
    where = plan.add_mutually_exclusive_group()
    where.add_argument("--to", type=_positive, metavar="N", help="stop after number N")
    where.add_argument("--rollback-to", type=_version, metavar="N", help="undo all above number N")
    _report(plan)


def _report(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--report", type=Path, metavar="PATH", help="file for what came of it, as JSON"
    )


def _version(value: str) -> int:
    number = int(value)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _positive(value: str) -> int:
    number = _version(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _steps(value: str) -> int | None:
    return None if value == "all" else _positive(value)


def _app_version(value: str) -> str:
    if not re.fullmatch(r"\d+\.\d+\.\d+", value):
        raise argparse.ArgumentTypeError("must be X.Y.Z")
    return value
