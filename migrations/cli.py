"""The commands of `python -m migrations`; exit 0 done, 1 refused or failed, 2 wrong usage.

With `--report`, `up` and `down` also write for a machine what came of them, whatever happened.
"""

import argparse
import asyncio
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence

from pydantic import ValidationError

from migrations import arguments, checks, history, lint, policy, report, runner
from migrations.errors import DatabaseAhead, DatabaseUnreachable
from migrations.files import SQL_DIR, Migration, load
from migrations.policy import Policy
from migrations.report import Journal
from migrations.session import FAULTS
from migrations.settings import MigrationSettings
from services.common import config, logs
from services.common.errors import AppError, Misconfigured

_OLDEST_SERVER = "15.0"
_STOPPED = (KeyboardInterrupt, asyncio.CancelledError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; errors go to stderr as sentences."""
    args = arguments.parser(__doc__).parse_args(argv)
    journal, code = Journal(), 0
    error: BaseException | None = None
    try:
        code = asyncio.run(_run(args, journal))
    except (Exception, SystemExit, *_STOPPED) as exc:
        error = exc
    if args.report is not None:
        report.write(args.report, report.build(journal, _told(error)))
        if isinstance(error, DatabaseAhead):
            return _say(f"nothing to do: {error.detail}")
    if error is not None:
        code = _failed(args.command, error)
    if journal.plan is not None:  # last in the log, where the operator looks for it
        sys.stderr.flush()
        _say(json.dumps({"plan": journal.plan}, ensure_ascii=False))
    return code


def _failed(command: str, exc: BaseException) -> int:
    """Say what happened; raises again what is a fault of ours."""
    if isinstance(exc, AppError):
        return _complain(exc.detail)
    if isinstance(exc, FAULTS):
        return _complain(f"The database refused `{command}`: {exc}")
    if isinstance(exc, _STOPPED):
        return _complain("Stopped. Run this again: it reads from the database what was committed.")
    raise exc


def _told(error: BaseException | None) -> BaseException | None:
    """What the report tells: of an unusable environment, which variable it is."""
    cause = error.__context__ if isinstance(error, SystemExit) else None
    if not isinstance(cause, ValidationError):
        return error
    names = [str(e["loc"][0]).upper() for e in cause.errors()]
    said = f"Not usable in the environment of the runner: {', '.join(names)}."
    if "DATABASE_DIRECT_URL" in names:
        return DatabaseUnreachable(f"{said} Correct it (on Kubernetes: in its Secret).")
    return Misconfigured(f"{said} The log of the runner says why.")


async def _run(args: argparse.Namespace, journal: Journal) -> int:
    task = asyncio.current_task()
    if task and threading.current_thread() is threading.main_thread():
        stop = lambda: task.cancelling() or task.cancel()  # noqa: E731
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    migrations = load(args.dir)
    if args.command == "lint":
        return await _lint(args, migrations)
    settings = config.load(MigrationSettings)
    _configure_logs(settings.log_level)
    return await _command(args, settings, migrations, journal)


async def _lint(args: argparse.Namespace, migrations: list[Migration]) -> int:
    """The rules for files, and what squawk says but for the exceptions committed beside them."""
    own = lint.problems(migrations, args.app_version)
    rules = Policy(exceptions=policy.committed(args.dir), allow_destructive=True)
    names = [s.path.name for m in migrations for s in (m.up, m.down)]
    verdict = await policy.judge([m.up for m in migrations], rules, _OLDEST_SERVER, names)
    said = [str(f) for f in verdict.of("error")]
    advice = verdict.of("warning")
    said += [str(f) for f in advice if args.all or f.rule == policy.UNUSED]
    fine = f"{len(migrations)} migrations are well formed ({len(advice)} hints: lint --all)"
    return _report([*own, *said], fine)


def _policy(args: argparse.Namespace, settings: MigrationSettings) -> Policy:
    """What the environment says, with the exceptions that were committed to this image."""
    given = settings.migration_policy
    if given is None:
        return policy.OPEN
    here = policy.committed(SQL_DIR) if args.dir == SQL_DIR else ()
    return given.model_copy(update={"exceptions": (*given.exceptions, *here)})


async def _command(
    args: argparse.Namespace,
    settings: MigrationSettings,
    migrations: list[Migration],
    journal: Journal,
) -> int:
    url = settings.database_direct_url
    match args.command:
        case "up" | "down" | "plan":
            return await _change(args, settings, migrations, journal)
        case "status":
            return _say(await checks.status(url, migrations))
        case "wait":
            least = history.newest_expand(migrations) if args.min is None else args.min
            reached = await checks.wait(url, least, args.timeout)
            return _say(f"the schema is at {reached:04d}")
        case "verify":
            found = await checks.verify(url, migrations, checks.read_schema_sql(args.schema))
            return _report(found, f"the database is at {migrations[-1].label} and without drift")
        case _:
            args.schema.write_text(await checks.schema_text(url, migrations), encoding="utf-8")
            return _say(f"wrote {args.schema}")


async def _change(
    args: argparse.Namespace,
    settings: MigrationSettings,
    migrations: list[Migration],
    journal: Journal,
) -> int:
    source = (settings.database_direct_url, migrations, settings.limits())
    rules = _policy(args, settings)
    if args.command == "plan":
        back = args.rollback_to
        await runner.plan(*source, args.to, back_to=back, policy=rules, journal=journal)
        return 0
    if args.command == "up":
        app = args.app_version and history.app_version(args.app_version)
        done = await runner.up(*source, args.to, app=app, policy=rules, journal=journal)
        return _say(f"applied {len(done)} migrations; {report.message(journal)}")
    steps = None if args.to is not None else args.steps
    done = await runner.down(*source, steps, to=args.to, policy=rules, journal=journal)
    return _say(f"undid {len(done)} migrations; {report.message(journal)}")


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
