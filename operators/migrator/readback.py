"""What the status says of the database itself: version, files, drift. Pure."""

from datetime import timedelta

from operators.migrator.observed import Observed
from operators.migrator.status import (
    Finding,
    drop,
    moment,
    stamp,
    with_condition,
    without_condition,
)
from operators.migrator.verdict import Status

VERIFIED_EVERY_S = 300
MOST_FILES = 100


def read_back(o: Observed, status: Status) -> Status:
    """What the database says of itself, and whether its catalog is what was left there."""
    if o.state is None:
        return status
    status = {**status, "currentVersion": o.state.version}
    status["applied"] = [
        {
            "version": e.version,
            "name": e.name,
            "sha256": e.sha256,
            "ms": e.duration_ms or 0,
            "appliedAt": stamp(e.applied_at),
        }
        for e in o.state.entries[-MOST_FILES:]
        if e.state == "applied"
    ]
    return _drifted(o, status)


def _drifted(o: Observed, status: Status) -> Status:
    if not o.spec.drift.enabled:
        return drop(without_condition(status, "Drifted"), ("drift",))
    if o.drift is None:
        return status
    generation = o.owner.generation
    if not o.drift:
        fine = "The catalog is as the last migration left it."
        status = drop(status, ("drift",))
        return with_condition(
            status, "Drifted", False, Finding.CATALOG_MATCHES, fine, generation, o.now
        )
    since = (status.get("drift") or {}).get("since") or stamp(o.now)
    status = {**status, "drift": {"since": since, "lines": o.drift}}
    message = f"Changed past the migrations since {since} or before: {'; '.join(o.drift)}"
    return with_condition(
        status, "Drifted", True, Finding.CATALOG_DIFFERS, message, generation, o.now
    )


def verified_at(o: Observed, status: Status) -> Status:
    """lastVerifiedAt moves with all else and every few minutes: a resync writes nothing."""
    if o.state is None:
        return status
    before = o.status.get("lastVerifiedAt")
    known = moment(before)
    same = drop(status, ("lastVerifiedAt",)) == drop(o.status, ("lastVerifiedAt",))
    fresh = known is not None and o.now - known < timedelta(seconds=VERIFIED_EVERY_S)
    return {**status, "lastVerifiedAt": before if same and fresh else stamp(o.now)}
