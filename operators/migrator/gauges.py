"""What the metrics say of each SchemaMigration; gone with it."""

from operators.migrator.job import Owner
from operators.migrator.observed import Decision
from operators.migrator.queue import Key
from operators.migrator.status import READY, REASON_OF, condition, ready_reason
from services.common import metrics

_GAUGES = (
    metrics.migration_version,
    metrics.migration_target_version,
    metrics.migration_ready,
    metrics.migration_drifted,
    metrics.migration_last_success_timestamp_seconds,
)


def show(owner: Owner, made: Decision) -> None:
    """Bring the metrics of a resource up to a decision."""
    key = (owner.namespace, owner.name)
    status, reason = made.status, ready_reason(made.status)
    if verdict := made.verdict:
        code = verdict.code if verdict.code in REASON_OF else verdict.code and "internal"
        metrics.migration_attempts_total.labels(code or verdict.outcome).inc()
        metrics.migration_attempt_seconds.labels(verdict.outcome).observe(verdict.seconds)
    if (version := status.get("currentVersion")) is not None:
        metrics.migration_version.labels(*key).set(version)
    if (version := status.get("targetVersion")) is not None:
        metrics.migration_target_version.labels(*key).set(version)
    drifted = condition(status, "Drifted")
    metrics.migration_drifted.labels(*key).set(bool(drifted and drifted["status"] == "True"))
    metrics.migration_ready.labels(*key).set(reason in READY)
    if reason in READY:
        metrics.migration_last_success_timestamp_seconds.labels(*key).set_to_current_time()


def remove(key: Key) -> None:
    """Forget a resource."""
    for gauge in _GAUGES:
        gauge.remove(*key)
