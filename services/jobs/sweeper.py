"""The sweeper: heals what a crash left behind and measures the queues.

Expired leases go back to the queue, or to dead after the last try; parents whose children are
all final are woken; idempotency keys older than a day go. Safe to run twice at once: each
statement locks what it moves.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from asyncpg import Record

from services.common import metrics
from services.common.db import Database
from services.common.http.idempotency import Q as KEYS
from services.common.jobs import QUEUES
from services.common.kafka.ledger import Ledger
from services.common.sql import load

Q = load(Path(__file__).with_name("queries.sql"))
log = logging.getLogger(__name__)
_TIMEOUT_S = 10.0
LEASE_EXPIRED = {
    "class": "LeaseExpired",
    "message": "lease expired",
    "traceback": None,
    "fingerprint": "lease-expired",
    "retryable": True,
}


async def sweep(db: Database) -> None:
    """One pass. Raises Unavailable."""
    for row in await expire_leases(db):
        log.warning(
            "took back job %d of %s", row["id"], row["worker"],
            extra={"kind": row["kind"], "state": row["state"]},
        )  # fmt: skip
        metrics.leases_expired_total.labels(row["queue"]).inc()
    woken = await Ledger(db, "sweeper").settle(None)
    if woken:
        log.info("woke parents whose children had finished", extra={"jobs": woken})
    await db.execute(KEYS["idempotency_expire"], timeout=_TIMEOUT_S)
    await measure(db)


async def expire_leases(db: Database) -> Sequence[Record]:
    """Take back the jobs whose worker has not been heard of; up to 500."""
    return await db.fetch(Q["leases_expire"], LEASE_EXPIRED, timeout=_TIMEOUT_S)


async def measure(db: Database) -> None:
    """Set the gauges of depth, oldest, dead, paused (0 for a queue without) and of the outbox.

    The relay measures the outbox as well, but not while it is down.
    """
    metrics.relay_lag_seconds.set(await db.fetchval(Q["outbox_age"], timeout=_TIMEOUT_S))
    depths = {row["queue"]: row for row in await db.fetch(Q["queue_depths"], timeout=_TIMEOUT_S)}
    dead = {row["queue"]: row["dead"] for row in await db.fetch(Q["queue_dead"])}
    paused = {row["name"] for row in await db.fetch(Q["queues_paused"], timeout=_TIMEOUT_S)}
    for queue in {*QUEUES, *depths, *dead}:
        row = depths.get(queue)
        metrics.job_queue_depth.labels(queue).set(row["depth"] if row else 0)
        metrics.job_oldest_seconds.labels(queue).set(row["oldest"] if row else 0)
        metrics.jobs_dead.labels(queue).set(dead.get(queue, 0))
        metrics.queue_paused.labels(queue).set(queue in paused)
