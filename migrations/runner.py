"""Brings a database to a version: everything that is pending, or back.

Takes the runners' lock, compares history and files, lets the policy judge, and has apply run one
migration after the other. Stands after files and history; cli calls it.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from migrations import files, history
from migrations.apply import Direction, Runner
from migrations.attempts import Limits, explaining
from migrations.errors import DatabaseAhead, Destructive, LintFailed, TargetUnknown
from migrations.files import Migration
from migrations.history import AppVersion
from migrations.plan import Planner
from migrations.policy import OPEN, Policy
from migrations.report import Journal
from migrations.session import connect, lock
from migrations.watch import Watcher


async def up(
    url: str,
    migrations: Sequence[Migration],
    limits: Limits,
    to: int | None = None,
    *,
    app: AppVersion | None = None,
    policy: Policy = OPEN,
    journal: Journal | None = None,
) -> list[Migration]:
    """Apply what is pending, up to number `to`; returns what was applied.

    Stops before a contract file that is not for release `app` yet. `policy` judges all that is
    pending, also what waits. `journal` tells how far it came.
    Raises MigrationRefused (nothing was run), MigrationFailed and LockTimeout (the failed
    one left nothing, those before it stay), InDoubt, DatabaseUnreachable, LockedOut.
    """
    journal = journal or Journal()
    _aim(journal, migrations, to)
    async with _locked(url, limits, journal) as runner:
        todo = history.pending(migrations, await runner.settled(migrations), to)
        await runner.judge([m.up for m in todo], policy, migrations)
        if late := history.waiting(todo, app):
            todo, held = todo[: todo.index(late)], todo[todo.index(late) :]
            least = late.needs_app or ""
            journal.waiting = {"file": late.up.path.name, "min_app_version": least}
            journal.held = [m.label for m in held if m.up.phase == "expand"]
        await runner.prepare(migrations, todo)
        await _run(runner, todo, "up")
    return todo


async def down(
    url: str,
    migrations: Sequence[Migration],
    limits: Limits,
    steps: int | None = 1,
    *,
    to: int | None = None,
    policy: Policy = OPEN,
    journal: Journal | None = None,
) -> list[Migration]:
    """Undo the last `steps` (None: all) applied migrations above `to`; returns them.

    Raises as `up`.
    """
    journal = journal or Journal()
    if to is not None:
        _aim(journal, migrations, to)
    async with _locked(url, limits, journal) as runner:
        try:
            entries = await runner.settled(migrations)
        except DatabaseAhead as exc:
            raise TargetUnknown(f"{exc.detail} Only its down files can undo them.") from exc
        todo = history.undoable(migrations, entries, steps, to)
        _aim(journal, migrations, history.version(entries) - len(todo))
        await runner.judge([m.down for m in todo], policy, migrations)
        await runner.prepare(migrations, todo)
        await _run(runner, todo, "down")
    return todo


async def plan(
    url: str,
    migrations: Sequence[Migration],
    limits: Limits,
    to: int | None = None,
    *,
    back_to: int | None = None,
    policy: Policy = OPEN,
    journal: Journal,
) -> None:
    """Put into the journal what `up` to `to`, or `down` to `back_to`, would do; changes nothing.

    Raises as they do, and, when the plan is made, the error of the file that failed in it.
    """
    direction: Direction = "up" if back_to is None else "down"
    _aim(journal, migrations, to if back_to is None else back_to)
    async with _locked(url, limits, journal) as runner:
        planner = Planner(runner)
        entries = await planner.settled(migrations)
        if back_to is None:
            todo = history.pending(migrations, entries, to)
        else:
            todo = history.undoable(migrations, entries, None, back_to)
        scripts = [m.up if direction == "up" else m.down for m in todo]
        with suppress(Destructive, LintFailed):  # told in the plan
            await runner.judge(scripts, policy, migrations)
        if error := await planner.make(todo, direction):
            raise error


def _aim(journal: Journal, migrations: Sequence[Migration], to: int | None) -> None:
    """Tell where the run leads, by default to the newest file, and the sum of the files so far."""
    journal.target = len(migrations) if to is None else to
    journal.checksum = files.checksum(migrations, journal.target)


async def _run(runner: Runner, todo: Sequence[Migration], direction: Direction) -> None:
    if todo:
        await runner.tell_drift()
    try:
        for migration in todo:
            await runner.run(migration, direction)
    finally:
        if runner.journal.applied or not todo:
            await runner.keep_catalog()


@asynccontextmanager
async def _locked(url: str, limits: Limits, journal: Journal) -> AsyncIterator[Runner]:
    watcher = Watcher(url)
    with explaining():
        async with connect(url) as conn:
            await watcher.open()
            try:
                await lock(conn, limits.runner_wait_s)
                yield Runner(conn, watcher, limits, journal)
            finally:
                await watcher.close()
