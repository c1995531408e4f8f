"""Asks the cluster and the database all that a decision about a resource needs."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operators.migrator import attempt as attempts
from operators.migrator import database, fleet, inputs, plans
from operators.migrator.attempt import Attempt
from operators.migrator.database import Reading
from operators.migrator.job import Owner, round_of
from operators.migrator.kube import ApiRefused, Kube
from operators.migrator.observed import Observed, Pace
from operators.migrator.spec import GROUP, RETRY, Spec

Json = dict[str, Any]
WAITS_S = 3


@dataclass(frozen=True, slots=True)
class Wants:
    """What of the database is looked at only now and then."""

    catalog: bool
    blockers: bool


async def observe(
    kube: Kube, seen: Json, owner: Owner, spec: Spec, pace: Pace, wants: Wants
) -> Observed:
    """One look at everything; `room` and `looks` are for the caller to add."""
    status = seen.get("status") or {}
    jobs, dsn, source, deployed = await asyncio.gather(
        kube.jobs(owner.namespace, owner),
        inputs.dsn_of(kube, owner.namespace, spec.database.secret_ref),
        inputs.source_of(kube, owner.namespace, spec),
        kube.deployments(owner.namespace) if spec.contract.enabled else _nothing(),
    )
    now = datetime.now(UTC)
    retry = (seen["metadata"].get("annotations") or {}).get(RETRY)
    this_round = round_of(owner, source.revision, retry, dsn.version)
    pods = [] if _settled(status, jobs, this_round) else await kube.pods(owner)
    found = await _with_refusals(kube, owner, attempts.read_all(jobs, pods), now)
    problem, reading = dsn.problem or source.problem, Reading()
    if not problem:
        reading = await _asked(dsn.url, spec, found, now, pace, wants)
    return Observed(
        owner=owner,
        spec=spec,
        status=status,
        now=now,
        round=this_round,
        revision=source.revision,
        retry=retry,
        attempts=found,
        files=source.files,
        problem=problem or reading.problem,
        state=reading.state,
        fleet=fleet.read(deployed),
        plan=await plans.read(kube, owner, found, status),
        drift=reading.drift,
        blockers=reading.blockers,
        pace=pace,
    )


async def _with_refusals(
    kube: Kube, owner: Owner, found: Sequence[Attempt], now: datetime
) -> tuple[Attempt, ...]:
    """The attempts; one that gets no pod with the Job controller's words for it."""
    made = []
    for one in found:
        unmade = one.phase == "pending" and one.pod is None and not one.deleting
        if unmade and (now - one.created).total_seconds() > WAITS_S:
            with contextlib.suppress(ApiRefused):  # older rights than this operator's
                told = await kube.refusals(owner.namespace, one.name)
                one = attempts.with_refusal(one, told)
        made.append(one)
    return tuple(made)


async def _asked(
    url: str, spec: Spec, found: Sequence[Attempt], now: datetime, pace: Pace, wants: Wants
) -> Reading:
    """The state of the database; while an attempt runs only who keeps it waiting."""
    if not _busy(found, now, pace.grace_s):
        secret = spec.database.secret_ref
        return await database.read(url, secret, with_catalog=wants.catalog)
    asks = wants.blockers and _works(found, now)
    return Reading(blockers=await database.blockers(url) if asks else ())


def _settled(status: Mapping[str, Any], jobs: Sequence[Json], this_round: str) -> bool:
    """Whether every Job ended and was taken over, so that no pod has to be asked."""
    if status.get("jobName") and not status.get("completedAt"):
        return False
    known = status.get("attempt", 0) if status.get("round") == this_round else 0
    for job in jobs:
        notes = job["metadata"].get("annotations") or {}
        conditions = job.get("status", {}).get("conditions", [])
        over = any(
            c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions
        )
        mine = notes.get(f"{GROUP}/round") == this_round
        if not over or (mine and int(notes.get(f"{GROUP}/attempt", 0)) > known):
            return False
    return True


def _busy(found: Sequence[Attempt], now: datetime, grace_s: float) -> bool:
    return any(a.phase != "ended" and not attempts.is_hopeless(a, now, grace_s) for a in found)


def _works(found: Sequence[Attempt], now: datetime) -> bool:
    """Whether a migration has been running for long enough to be waiting for somebody."""
    return any(
        a.phase == "running" and (now - a.created).total_seconds() > WAITS_S and a.mode != "plan"
        for a in found
    )


async def _nothing() -> list[Json]:
    return []
