"""procrastinate on the same PostgreSQL: prints concurrency, "enqueue" and "drain" in jobs a second.

Runs in a virtual environment of its own (peer.py): python peer_app.py DSN TRIAL JOBS CONCURRENCY...
Each level is tried with TRIAL jobs; the best one is measured with JOBS and printed last.
"""

import asyncio
import json
import logging
import sys
from time import perf_counter

import procrastinate


def main(dsn: str, trial: int, jobs: int, levels: list[int]) -> None:
    """A short round for each level of concurrency, a long one for the best."""
    logging.disable(logging.WARNING)
    asyncio.run(prepare(dsn))
    rounds = [asyncio.run(measure(dsn, trial, level)) for level in levels]
    best = max(rounds, key=lambda each: each["drain"])
    rounds.append(asyncio.run(measure(dsn, jobs, int(best["concurrency"]))))
    print(json.dumps(rounds))


async def prepare(dsn: str) -> None:
    """Make its tables."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def measure(dsn: str, jobs: int, concurrency: int) -> dict[str, float]:
    """Enqueue `jobs` no-ops, then drain them with one worker."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn))

    @app.task(name="noop")  # type: ignore[untyped-decorator]
    async def noop(n: int) -> None:
        """Do nothing."""

    async with app.open_async():
        began = perf_counter()
        for start in range(0, jobs, 1000):
            rows = ({"n": n} for n in range(start, min(start + 1000, jobs)))
            await noop.batch_defer_async(*rows)
        enqueued = perf_counter()
        await app.run_worker_async(
            wait=False,
            concurrency=concurrency,
            listen_notify=False,
            install_signal_handlers=False,
        )
        ended = perf_counter()
    return {
        "jobs": jobs,
        "concurrency": concurrency,
        "enqueue": jobs / (enqueued - began),
        "drain": jobs / (ended - enqueued),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), [int(each) for each in sys.argv[4:]])
