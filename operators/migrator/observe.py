"""Asks the cluster and the database all that a decision about a resource needs."""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from migrations.files import Migration, load_mapping
from operators.migrator import attempt as attempts
from operators.migrator import database, fleet
from operators.migrator.attempt import Attempt
from operators.migrator.database import Reading
from operators.migrator.job import Owner, round_of
from operators.migrator.kube import ApiRefused, ApiUnavailable, Kube
from operators.migrator.observed import Observed, Pace, Problem
from operators.migrator.spec import GROUP, RETRY, SecretRef, Spec
from services.common.errors import AppError

Json = dict[str, Any]
PLAN_BYTES = 200_000
WAITS_S = 3


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a ConfigMap, where it is one; `revision` changes with what is in it."""

    revision: str | None
    files: Sequence[Migration] | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Dsn:
    """The DSN of a Secret and the version of the Secret."""

    version: str
    url: str = ""
    problem: Problem | None = None


async def observe(
    kube: Kube,
    seen: Json,
    owner: Owner,
    spec: Spec,
    pace: Pace,
    *,
    with_catalog: bool,
    with_blockers: bool,
) -> Observed:
    """One look at everything; `room` and `looks` are for the caller to add."""
    status = seen.get("status") or {}
    jobs, dsn, source, deployed = await asyncio.gather(
        kube.jobs(owner.namespace, owner),
        _dsn(kube, owner.namespace, spec.database.secret_ref),
        _source(kube, owner.namespace, spec),
        kube.deployments(owner.namespace) if spec.contract.enabled else _nothing(),
    )
    now = datetime.now(UTC)
    retry = (seen["metadata"].get("annotations") or {}).get(RETRY)
    this_round = round_of(owner, source.revision, retry, dsn.version)
    pods = [] if _settled(status, jobs, this_round) else await kube.pods(owner)
    found = attempts.read_all(jobs, pods)
    problem, reading = dsn.problem or source.problem, Reading()
    if not problem and not _busy(found, now, pace.grace_s):
        secret = spec.database.secret_ref
        reading = await database.read(dsn.url, secret, with_catalog=with_catalog)
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
        plan=await _plan(kube, owner, found, status),
        drift=reading.drift,
        blockers=await database.blockers(dsn.url) if with_blockers and _works(found, now) else (),
        pace=pace,
    )


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


async def _dsn(kube: Kube, namespace: str, ref: SecretRef) -> Dsn:
    secret = await kube.secret(namespace, ref.name)
    if secret is None:
        text = f"There is no Secret {ref.name}: create it with the direct DSN under {ref.key}."
        return Dsn("", problem=Problem("secret_missing", text))
    version = f"{secret['metadata']['uid']}/{secret['metadata']['resourceVersion']}"
    if (value := (secret.get("data") or {}).get(ref.key)) is None:
        text = f"Secret {ref.name} has no key {ref.key}: put the direct DSN there."
        return Dsn(version, problem=Problem("secret_missing", text))
    try:
        url = base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        url = ""
    if not url.startswith(("postgres://", "postgresql://")) or url != url.strip():
        text = (
            f"Key {ref.key} of Secret {ref.name} is no DSN: it must be "
            "postgresql://user:password@host:5432/database, without white space around it."
        )
        return Dsn(version, problem=Problem("secret_missing", text))
    return Dsn(version, url)


async def _source(kube: Kube, namespace: str, spec: Spec) -> Source:
    ref = spec.source.config_map_ref
    if ref is None:
        return Source(_digest(spec.source.image or ""))
    found = await kube.config_map(namespace, ref.name)
    if found is None:
        text = f"There is no ConfigMap {ref.name}: create it with the SQL files as its keys."
        return Source(None, problem=Problem("source_missing", text))
    data = found.get("data") or {}
    revision = _digest(json.dumps(data, sort_keys=True))
    try:
        return Source(revision, load_mapping(data))
    except AppError as exc:
        text = f"ConfigMap {ref.name}: {exc.detail}"
        return Source(revision, problem=Problem("source_invalid", text))


async def _plan(
    kube: Kube, owner: Owner, found: Sequence[Attempt], status: Mapping[str, Any]
) -> Json | None:
    """The plan that a dry run which just ended wrote into its log; it is too long for a report."""
    last = found[-1] if found else None
    if last is None or last.mode != "plan" or not last.report or not last.pod:
        return None
    if status.get("jobName") == last.name and status.get("completedAt"):
        return None
    try:
        text = await kube.log(owner.namespace, last.pod)
    except (ApiRefused, ApiUnavailable) as exc:
        return {"note": f"The plan is in the log of pod {last.pod}, which cannot be read: {exc}"}
    return plan_of(text) or {"note": f"The log of pod {last.pod} has no plan."}


def plan_of(text: str) -> Json | None:
    """The plan in a log's last lines, cut to what a status may hold."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("plan"), dict):
            return _cut(found["plan"])
    return None


def _cut(plan: Json) -> Json:
    """Shorten the longest texts until the plan fits."""
    most = 20_000
    while len(json.dumps(plan)) > PLAN_BYTES and most > 50:
        plan = _shortened(plan, most)
        most //= 2
    if len(json.dumps(plan)) <= PLAN_BYTES:
        return plan
    return {"note": "The plan is too long for a status: read the log of the Job's pod."}


def _shortened(node: Any, most: int) -> Any:
    if isinstance(node, str):
        return node if len(node) <= most else f"{node[:most]}…"
    if isinstance(node, dict):
        return {key: _shortened(value, most) for key, value in node.items()}
    return [_shortened(value, most) for value in node] if isinstance(node, list) else node


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
