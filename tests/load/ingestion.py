"""The ingestion part: rounds of pipeline and baseline in turn, then what came of them."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.load import baseline, databases, pipeline, showing
from tests.load.baseline import Loaded
from tests.load.pipeline import Run
from tests.load.prepare import Prepared, prepare
from tests.load.report import Target
from tests.load.statements import as_one
from tests.stack.config import REPO
from tests.stack.install import PYTHON
from tests.support.stack import TestStack

RATIO, AGAIN_RATIO, MEMORY_MB, GROWTH_MB = 0.40, 2.0, 400.0, 20.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to run: filings, filings a page, rounds, whether one big page too, bound of a run.

    For the API: prospects, and seconds that each question is asked.
    """

    size: int = 500_000
    page_size: int = 5000
    repeat: int = 1
    big_page: bool = True
    timeout_s: float = 1800.0
    prospects: int = 1_000_000
    seconds: float = 8.0


@dataclass(slots=True)
class Measured:
    """Everything that was measured; one entry a round."""

    prepared: Prepared = field(default_factory=Prepared)
    first: list[Run] = field(default_factory=list)
    again: list[Run] = field(default_factory=list)
    unchanged: list[bool] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    baseline: list[Loaded] = field(default_factory=list)
    big_page: Loaded | None = None


def run(options: Options, say: Callable[[str], None]) -> list[Target]:
    """Measure, print the tables; the targets."""
    as_of = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory(prefix="ucc-intel-bench-") as name:
        folder = Path(name)
        say(f"generating {options.size:,} filings")
        _generate(options, folder, as_of)
        say("starting PostgreSQL (fsync on), PgBouncer, Kafka, register, relay, worker")
        with pipeline.start(options.size, options.page_size, as_of, folder / "cache") as stack:
            measured = _measure(options, stack, folder, as_of, say)
    for text in showing.tables(measured):
        print(text)
    return targets(measured)


def _generate(options: Options, folder: Path, as_of: date) -> None:
    """Fill the register's cache beforehand: the stack waits two minutes at most for a process."""
    argv = [str(PYTHON), "-m", "services.sample_register", "dump", "--out", str(folder / "dump"),
            "--size", str(options.size), "--as-of", as_of.isoformat()]  # fmt: skip
    env = {**os.environ, "SAMPLE_CACHE_DIR": str(folder / "cache"), "LOG_LEVEL": "WARNING"}
    subprocess.run(argv, cwd=REPO, env=env, check=True, stdout=subprocess.DEVNULL,
                   timeout=options.timeout_s)  # fmt: skip


def _measure(
    options: Options, stack: TestStack, folder: Path, as_of: date, say: Callable[[str], None]
) -> Measured:
    measured = Measured()
    say("reading and parsing every page for the baseline")
    begun = perf_counter()
    url = stack.url("sample_register")
    measured.prepared = asyncio.run(prepare(url, folder, options.page_size, as_of))
    say(f"{measured.prepared.rows:,} rows in {perf_counter() - begun:.0f} s")

    def load() -> None:
        loaded = baseline.load(stack, measured.prepared.pages, folder, options.timeout_s)
        say(f"baseline: {loaded.seconds:.1f} s")
        measured.baseline.append(loaded)

    def ingest() -> None:
        _ingest_twice(options, stack, as_of, measured, say)

    for number in range(options.repeat):
        for step in (ingest, load) if number % 2 == 0 else (load, ingest):
            step()
        loaded = measured.baseline[-1].content
        found = databases.content(stack).items()
        measured.differing += [name for name, what in found if loaded[name] != what]
    if options.big_page:
        pages = [as_one(measured.prepared.pages)]
        measured.big_page = baseline.load(stack, pages, folder, options.timeout_s)
        say(f"baseline in one big page: {measured.big_page.seconds:.1f} s")
    return measured


def _ingest_twice(
    options: Options, stack: TestStack, as_of: date, measured: Measured, say: Callable[[str], None]
) -> None:
    databases.empty(stack)
    measured.first.append(pipeline.ingest(stack, as_of, options.timeout_s))
    say(f"pipeline: {measured.first[-1].seconds:.1f} s")
    before = databases.checksums(stack)
    measured.again.append(pipeline.ingest(stack, as_of, options.timeout_s))
    measured.unchanged.append(databases.checksums(stack) == before)
    say(f"pipeline, the same window again: {measured.again[-1].seconds:.1f} s")


def targets(measured: Measured) -> list[Target]:
    """What issue 3 asks of ingestion; with several rounds the median of their ratios."""
    worker = [run.usage["ingestion"] for run in measured.first]
    pairs = list(zip(measured.first, measured.baseline, strict=True))
    twice = list(zip(measured.first, measured.again, strict=True))
    ratio = median(loaded.seconds / run.seconds for run, loaded in pairs)
    again = median(run.seconds / second.seconds for run, second in twice)
    return [
        Target.at_least("pipeline rate / baseline rate", RATIO, ratio),
        Target.at_most("worker memory", MEMORY_MB, max(u.most_mb for u in worker), " MB"),
        Target.at_most(
            "its growth over the second half", GROWTH_MB, max(u.growth_mb for u in worker), " MB"
        ),
        _yes("pipeline and baseline hold the same", not measured.differing),
        _yes("same window again: no changed row", all(measured.unchanged)),
        Target.at_least("same window again, times as fast", AGAIN_RATIO, again),
    ]


def _yes(name: str, met: bool) -> Target:
    return Target(name, "yes", "yes" if met else "no", met)
