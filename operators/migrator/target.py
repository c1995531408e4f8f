"""Which version is wanted, and whether the database proves to be there: pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from migrations.files import Migration, checksum
from migrations.history import Entry
from operators.migrator.observed import Observed, Problem
from operators.migrator.status import Reason, drop
from operators.migrator.verdict import Status


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version, and the checksum of all files that lead to it."""

    target: int
    checksum: str


def wanted(o: Observed, status: Status) -> Wanted | Problem | None:
    """The target; None while only a Job can see the files (those of an image)."""
    if o.files is None:
        if status.get("request") != o.request or status.get("checksum") is None:
            return None
        return Wanted(status["targetVersion"], status["checksum"])
    newest = len(o.files)
    number = newest if o.spec.goal is None else o.spec.goal
    if number > newest:
        return Problem(
            "target_unknown",
            f"Version {number:04d} is asked for, but the files end at {newest:04d}.",
        )
    return Wanted(number, checksum(o.files, number))


def shown(o: Observed, status: Status, found: Wanted | Problem | None) -> Status:
    """`status` with the target as far as it is known."""
    if isinstance(found, Wanted):
        known = {"targetVersion": found.target, "checksum": found.checksum}
        return {**status, **known, "request": o.request, "sourceRevision": o.revision}
    status = drop(status, ("checksum", "request", "targetVersion"))
    if o.spec.goal is not None:
        status["targetVersion"] = o.spec.goal
    return {**status, "sourceRevision": o.revision} if o.revision else status


def proven(o: Observed, found: Wanted) -> Reason | None:
    """Applied or Ahead where the database proves it, file by file."""
    if o.state is None or o.state.version < found.target:
        return None
    doubts = [e for e in o.state.in_doubt if e.version <= found.target or e.direction == "down"]
    if doubts or o.state.checksum(found.target) != found.checksum:
        return None
    if o.state.version == found.target:
        return Reason.APPLIED
    return None if o.spec.rollback else Reason.AHEAD


def problem(o: Observed, found: Wanted | Problem | None) -> Problem | None:
    """Why no attempt can lead to the target."""
    if isinstance(found, Problem):
        return found
    if found is None or o.state is None or o.state.in_doubt:
        return None
    differs = _differences(o.files or (), o.state.entries, found.target)
    beyond = o.state.version >= found.target
    if not differs and not (beyond and o.state.checksum(found.target) != found.checksum):
        return None
    which = "; ".join(differs) or "versions up to the target"
    return Problem(
        "checksum_mismatch",
        f"The source is not what the database was migrated with: {which}.",
    )


def _differences(files: Sequence[Migration], entries: Sequence[Entry], upto: int) -> list[str]:
    by_version = {m.version: m for m in files}
    lines = []
    for entry in entries:
        file = by_version.get(entry.version)
        if file is None or entry.version > upto or entry.state != "applied":
            continue
        if file.name != entry.name:
            lines.append(f"{entry.label} was applied, the file is now {file.label}")
        elif file.up.sha256 != entry.sha256:
            lines.append(f"{file.up.path.name} was edited after it was applied")
    return lines
