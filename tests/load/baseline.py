"""The baseline: psql loads prepared CSV files by `\\copy` and runs the pipeline's merge SQL.

One session straight on PostgreSQL: no register, no parsing, no jobs, no PgBouncer.
"""

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.load.databases import checkpoint, content, fresh_database
from tests.load.exposition import Timing
from tests.load.processes import Watch
from tests.load.statements import Statement, psql_script
from tests.stack import programs
from tests.support.stack import TestStack

_TIME = re.compile(r"^Time: ([0-9.]+) ms")
_UNBOUNDED = "SET statement_timeout = 0;\n"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A baseline run: wall seconds, CPU of PostgreSQL and of others, statements as they ran."""

    seconds: float
    postgres_cpu_s: float
    others_s: float
    statements: list[Timing]
    content: dict[str, str]


def load(
    stack: TestStack, pages: Sequence[Sequence[Statement]], folder: Path, timeout_s: float
) -> Loaded:
    """Load and merge all pages into a fresh database. Raises RuntimeError with psql's words."""
    script = folder / "baseline.sql"
    script.write_text(_UNBOUNDED + psql_script(pages), encoding="utf-8")
    with fresh_database(stack, "bench_baseline") as database:
        checkpoint(stack)
        with Watch({"postgres": stack.pid("postgres")}) as watch:
            started = time.perf_counter()
            shown = _psql(database.direct_url, script, timeout_s)
            seconds = time.perf_counter() - started
        return Loaded(
            seconds,
            watch.usage["postgres"].cpu_s,
            watch.others_s,
            statement_times(shown),
            content(stack, database.name),
        )


def _psql(dsn: str, script: Path, timeout_s: float) -> str:
    program = f"{programs.postgres_folder()}/psql"
    argv = [program, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", str(script), "-d", dsn]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=timeout_s)
    if done.returncode:
        raise RuntimeError(f"psql failed on the baseline: {done.stderr.strip()[:500]}")
    return done.stdout


def statement_times(shown: str) -> list[Timing]:
    """psql's output to one Timing a statement: its name was echoed before it ran."""
    found: list[Timing] = []
    name = ""
    for line in shown.splitlines():
        if match := _TIME.match(line):
            found.append(Timing(name, 1, float(match[1]) / 1000))
        elif re.fullmatch(r"[a-z_]+", line):
            name = line
    return found


def by_name(statements: Sequence[Timing]) -> dict[str, list[float]]:
    """Seconds of each run of a statement, in the order run, the longest in all first."""
    found: dict[str, list[float]] = {}
    for each in statements:
        found.setdefault(each.name, []).append(each.seconds)
    return dict(sorted(found.items(), key=lambda item: -sum(item[1])))


def growth(seconds: Sequence[float]) -> float:
    """How much longer a statement takes in the last quarter of its runs than in the second.

    The first quarter is left out: tables that begin empty are quick in ways that do not last.
    """
    quarter = len(seconds) // 4
    if not quarter:
        return 1.0
    early, late = seconds[quarter : 2 * quarter], seconds[-quarter:]
    return sum(late) / sum(early) if sum(early) else 1.0
