"""procrastinate on the same PostgreSQL: prints {"enqueue", "drain"} in jobs a second.

Runs in a virtual environment of its own (peer.py): python peer_app.py DSN JOBS CONCURRENCY...
"""

import asyncio
import json
import logging
import sys
from time import perf_counter

import procrastinate


def main(dsn: str, jobs: int, levels: list[int]) -> None:
    """One round for each level of concurrency."""
    logging.disable(logging.WARNING)
    asyncio.run(prepare(dsn))
    print(json.dumps([asyncio.run(measure(dsn, jobs, level)) for level in levels]))


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
        "concurrency": concurrency,
        "enqueue": jobs / (enqueued - began),
        "drain": jobs / (ended - enqueued),
    }


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(level) for level in sys.argv[3:]])
