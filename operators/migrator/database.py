"""Reads a database back: what it says, or why it cannot be asked, in the codes of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrations import state
from migrations.state import State
from operators.migrator.observed import Problem
from operators.migrator.spec import SecretRef
from services.common.errors import AppError
from services.common.logs import redact

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Reading:
    """`drift` is None where it was not looked for, or nothing is there to compare with."""

    state: State | None = None
    problem: Problem | None = None
    drift: list[str] | None = None
    blockers: Sequence[Mapping[str, Any]] = ()


async def read(url: str, secret: SecretRef, *, with_catalog: bool) -> Reading:
    """The state of the database, or the problem with it."""
    try:
        found = await state.read_state(url, with_catalog=with_catalog, timeout_s=TIMEOUT_S)
    except AppError as exc:
        where = f"Secret {secret.name}, key {secret.key}"
        return Reading(problem=Problem(exc.code, redact(f"{exc.detail} (DSN of {where})")))
    drift = None
    if found.stored is not None and found.now is not None:
        drift = state.difference(found.stored, found.now)
    return Reading(found, drift=drift)


async def blockers(url: str) -> list[dict[str, Any]]:
    """Who keeps the runner waiting now, as a report has it."""
    return [
        {
            "pid": b.pid,
            "user": b.usename,
            "application": b.application_name,
            "state": b.state,
            "seconds": round(b.seconds or 0),
            "query": " ".join(redact(b.query or "").split())[:200],
        }
        for b in await state.read_blockers(url)
    ]
