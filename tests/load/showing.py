"""The measured figures of the ingestion part as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tests.load import exposition
from tests.load.baseline import by_name, growth
from tests.load.report import table

if TYPE_CHECKING:
    from tests.load.baseline import Loaded
    from tests.load.ingestion import Measured
    from tests.load.pipeline import Run

_LABELS = {
    "ingestion": "ingestion worker",
    "sample_register": "sample register (stand-in)",
    "postgres": "PostgreSQL",
    "pgbouncer": "PgBouncer",
    "relay": "relay",
    "kafka": "Kafka",
}
_TOP = 14


def tables(measured: Measured) -> Iterator[str]:
    """All tables, in the order to be read."""
    yield rates(measured)
    yield processes("Processes during the first ingestion", measured.first[-1])
    yield processes("Processes during the second ingestion of the same window", measured.again[-1])
    yield worker_cpu(measured)
    yield queries(measured.first[-1])
    yield statements(measured.baseline[-1])


def rates(measured: Measured) -> str:
    """Wall seconds and rates of each run, with the CPU that strangers took from it."""
    made = measured.prepared
    runs = [*_runs("pipeline", measured.first), *_runs("psql baseline", measured.baseline)]
    runs += _runs("pipeline, same window again", measured.again)
    if measured.big_page:
        runs += _runs("psql, one big page (for information)", [measured.big_page])
    rows = [
        (name, run.seconds, made.filings / run.seconds, made.rows / run.seconds,
         run.postgres_cpu_s, _share(run.others_s, run.seconds))
        for name, run in runs
    ]  # fmt: skip
    title = (
        f"Ingestion of {made.filings:,} filings ({made.rows:,} rows with parties and collateral) "
        f"in {len(made.pages)} pages"
    )
    head = ("", "wall s", "filings/s", "all rows/s", "PostgreSQL CPU s", "others on the machine")
    return table(title, head, rows)


def _runs(name: str, runs: Sequence[Run | Loaded]) -> list[tuple[str, Run | Loaded]]:
    if len(runs) == 1:
        return [(name, runs[0])]
    return [(f"{name}, round {number}", run) for number, run in enumerate(runs, 1)]


def _share(cpu_s: float, wall_s: float) -> str:
    return f"{100 * cpu_s / wall_s:.0f} %"


def processes(title: str, run: Run) -> str:
    """CPU and memory of each process."""
    rows: list[tuple[object, ...]] = []
    for name, label in _LABELS.items():
        used = run.usage[name]
        share = _share(used.cpu_s, run.seconds)
        rows.append((label, used.cpu_s, share, used.most_mb, used.growth_mb))
    share = _share(run.others_s, run.seconds)
    rows.append(("all others on this machine", run.others_s, share, "", ""))
    head = ("", "CPU s", "of wall", "memory most MB", "growth 2nd half MB")
    return table(f"{title}: {run.seconds:.1f} s", head, rows)


def worker_cpu(measured: Measured) -> str:
    """Where the worker's CPU goes: reading and parsing were measured on the same pages before.

    Of the first round, whose caches of names were as empty as those of that measurement.
    """
    made, run = measured.prepared, measured.first[0]
    total = run.usage["ingestion"].cpu_s
    rest = total - made.read_cpu_s - made.parse_cpu_s
    rows = [
        ("HTTP, JSON, grouping, hashing", made.read_cpu_s),
        ("parsing, names, lenders", made.parse_cpu_s),
        ("COPY encoding, database, jobs, Kafka (the rest)", rest),
    ]
    shares = [(name, seconds, _share(seconds, total)) for name, seconds in rows]
    return table("Where the worker's CPU goes", ("", "CPU s", "share"), shares)


def queries(run: Run) -> str:
    """Seconds of the worker by query and request; pages run side by side, so they add to more."""
    pages = exposition.timings(run.worker, "ucc_job_seconds", "kind")
    asked = exposition.timings(run.worker, "ucc_source_request_seconds", "source")
    database = exposition.timings(run.worker, "ucc_db_query_seconds", "query")
    rows: list[tuple[object, ...]] = [(f"job {t.name}", t.calls, t.seconds) for t in pages]
    rows += [(f"requests to {t.name}", t.calls, t.seconds) for t in asked]
    rows += [("database, all queries", sum(t.calls for t in database),
              sum(t.seconds for t in database))]  # fmt: skip
    rows += [(f"  {t.name}", t.calls, t.seconds) for t in database[:_TOP]]
    left = sum(t.seconds for t in pages) - sum(t.seconds for t in database)
    rows.append(("jobs less database: reading, parsing, waiting for the loop", "", left))
    title = "Where the pipeline's time goes (worker's /metrics)"
    return table(title, ("", "calls", "seconds"), rows)


def statements(loaded: Loaded) -> str:
    """The baseline by statement, and whether one slows down as the tables fill."""
    rows = [
        (name, len(seconds), sum(seconds), 1000 * sum(seconds) / len(seconds), growth(seconds))
        for name, seconds in list(by_name(loaded.statements).items())[:_TOP]
    ]
    title = f"The baseline by statement ({loaded.postgres_cpu_s:.1f} CPU s of PostgreSQL)"
    return table(title, ("", "calls", "seconds", "ms each", "last quarter / second"), rows)
