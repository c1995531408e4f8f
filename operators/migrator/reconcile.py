"""One look at a resource: observe, decide, act. The only place where the migrator does anything.

Acting goes in an order that a crash anywhere leaves right: finalizer, Job and Events (their names
are the same the next time), status. What was not written is found out again by the next look.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from operators.migrator import attempt, events, gauges, job
from operators.migrator.decide import decide, refused
from operators.migrator.events import Told
from operators.migrator.job import Launch, Owner
from operators.migrator.kube import FINALIZER, ApiRefused, ApiUnavailable, Kube
from operators.migrator.observe import Wants, observe
from operators.migrator.observed import Decision, Observed, Pace
from operators.migrator.queue import Key, is_weather
from operators.migrator.rhythm import Rhythm
from operators.migrator.settings import MigratorSettings
from operators.migrator.slots import Slots
from operators.migrator.spec import Spec
from operators.migrator.status import (
    Reason,
    condition,
    cut,
    merge_patch,
    moment,
    ready_reason,
    settle,
)
from operators.migrator.verdict import live
from services.common import metrics
from services.common.logs import redact

Json = dict[str, Any]
BLOCKED_AFTER_S = 60
ASKED_POLLS = 4
LOGGED_CHARS = 500
log = logging.getLogger(__name__)


class Reconciler:
    """What is kept here is only pace: nothing that a restart would miss."""

    def __init__(self, kube: Kube, settings: MigratorSettings, slots: Slots) -> None:
        self.kube = kube
        self.settings = settings
        self.slots = slots
        self.pace = Pace(
            settings.migrator_resync_s, settings.migrator_poll_s, settings.migrator_grace_s
        )
        self.wrote: dict[str, str] = {}
        self.reasons: dict[Key, str | None] = {}
        self._looks: dict[Key, int] = {}
        self._compared, self._asked = Rhythm(), Rhythm()
        self._told: set[tuple[str, str]] = set()

    async def look(self, key: Key) -> float | None:
        """See to one resource; when to look again, None when it is gone."""
        started = time.perf_counter()
        try:
            seen = await self.kube.migration(*key)
        except ApiRefused:  # nothing is known of it any more
            gauges.remove(key)
            raise
        if seen is None:
            self._forget(key)
            return None
        owner = _owner(seen)
        if seen["metadata"].get("deletionTimestamp"):
            return await self._release(key, seen, owner)
        try:
            spec = Spec.model_validate(seen["spec"])
        except ValidationError as exc:
            await self._fault(key, seen, owner, _unreadable(exc))
            return self.pace.resync_s
        try:
            again_s = await self._see_to(key, seen, owner, spec)
        except Exception as exc:
            if not is_weather(exc):
                await self._fault(key, seen, owner, _fault_of(exc))
            raise
        metrics.migrator_reconcile_seconds.observe(time.perf_counter() - started)
        return again_s

    async def _see_to(self, key: Key, seen: Json, owner: Owner, spec: Spec) -> float:
        drift = spec.drift
        wants = Wants(
            catalog=drift.enabled and not self._compared.left_s(key, drift.interval_seconds),
            blockers=not self._asked.left_s(key, ASKED_POLLS * self.pace.poll_s),
        )
        found = await observe(self.kube, seen, owner, spec, self.pace, wants)
        if wants.blockers:
            self._asked.done(key)
        if wants.catalog and found.state is not None:
            self._compared.done(key)
        self._looks[key] = self._looks.get(key, -1) + 1 if found.problem else 0
        if live(found):
            self.slots.take(key)
        # no await from here to where the slot is taken: another look must not get it as well
        found = replace(found, room=self.slots.room(key), looks=self._looks[key])
        made = decide(found)
        self._hold(key, found, made)
        await self._act(key, seen, found, made)
        if made.verdict:  # what an attempt leaves is the catalog to compare with from now on
            self._compared.forget(key)
        if not drift.enabled or found.state is None:
            return made.again_s
        left_s = self._compared.left_s(key, drift.interval_seconds)
        return min(made.again_s, max(0.1, left_s))

    def _hold(self, key: Key, found: Observed, made: Decision) -> None:
        if made.start or live(found):
            self.slots.take(key)
        elif ready_reason(made.status) == Reason.WAITING_FOR_SLOT:
            self.slots.wait(key)
        else:
            self.slots.free(key)

    async def _act(self, key: Key, seen: Json, found: Observed, made: Decision) -> None:
        owner = found.owner
        if made.start:
            seen, made = await self._start(key, seen, found, made, made.start)
        for name in made.delete:
            await self._stop(owner, seen, name)
        seen = await self._say(seen, owner, found.status, made)
        _log(found, made)
        self.reasons[key] = ready_reason(made.status)
        gauges.show(owner, made)
        if not made.start and not live(found):
            await self._let_go(seen)

    async def _say(
        self, seen: Json, owner: Owner, before: Mapping[str, Any], made: Decision
    ) -> Json:
        """Tell what is new, then write it down: what a crash in between told is told once."""
        if patch := merge_patch(before, made.status):
            await self._tell(owner, seen, events.between(before, made))
            seen = await self.kube.patch_status(seen, patch)
            self.wrote[owner.uid] = seen["metadata"]["resourceVersion"]
        return seen

    async def _start(
        self, key: Key, seen: Json, found: Observed, made: Decision, launch: Launch
    ) -> tuple[Json, Decision]:
        """Create the Job of the next attempt, with the finalizer that keeps the resource until
        it is over; where that is refused, the decision to say so.
        """
        owner, settings = found.owner, self.settings
        finalizers = seen["metadata"].get("finalizers") or []
        wanted = job.manifest(
            owner, found.spec, launch, settings.migrator_image, settings.log_level
        )
        try:
            if FINALIZER not in finalizers:
                seen = await self.kube.set_finalizers(seen, [*finalizers, FINALIZER])
                self.wrote[owner.uid] = seen["metadata"]["resourceVersion"]
            await self.kube.create_job(wanted)
        except ApiRefused as exc:
            self.slots.free(key)
            self._looks[key] += 1
            return seen, refused(replace(found, looks=self._looks[key]), made, exc.detail)
        return seen, made

    async def _stop(self, owner: Owner, seen: Json, name: str) -> None:
        """Delete a Job; where that is refused, tell it once."""
        try:
            await self.kube.delete_job(owner.namespace, name)
        except ApiRefused as exc:
            await self._tell_once(owner, seen, f"Job {name} cannot be deleted: {exc.detail}")

    async def _release(self, key: Key, seen: Json, owner: Owner) -> float | None:
        """Stop what runs, wait until its pods are gone, and let the resource go."""
        finalizers = seen["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            self._forget(key)
            return self.pace.resync_s
        jobs, pods = await asyncio.gather(
            self.kube.jobs(owner.namespace, owner), self.kube.pods(owner)
        )
        running = [a for a in attempt.read_all(jobs, pods) if a.phase != "ended"]
        stuck = [p for p in pods if p.get("status", {}).get("phase") in ("Pending", "Running")]
        if not running and not stuck:
            await self._let_go(seen)
            self._forget(key)
            return None
        for one in running:
            if not one.deleting:
                await self._tell(owner, seen, [_stopping(one.name)])
                await self._stop(owner, seen, one.name)
        since = moment(seen["metadata"]["deletionTimestamp"]) or datetime.now(UTC)
        if (datetime.now(UTC) - since).total_seconds() > BLOCKED_AFTER_S:
            where = ", ".join(
                f"{p['metadata']['name']} on {p['spec'].get('nodeName', 'no node')}" for p in stuck
            )
            await self._tell_once(
                owner,
                seen,
                f"Pods do not end: {where or 'none is seen'}. Delete them by force if their node "
                f"is lost; then remove the finalizer {FINALIZER} if the resource still stays.",
            )
        return self.pace.poll_s

    async def _fault(self, key: Key, seen: Json, owner: Owner, message: str) -> None:
        """Say why this look came to nothing: what the status said before may not be so any more."""
        before = seen.get("status") or {}
        status = settle(before, Reason.INTERNAL_ERROR, message, owner.generation, datetime.now(UTC))
        made = Decision(status, self.pace.resync_s)
        await self._say(seen, owner, before, made)
        self.reasons[key] = Reason.INTERNAL_ERROR
        gauges.show(owner, made)

    async def _let_go(self, seen: Json) -> None:
        finalizers = seen["metadata"].get("finalizers") or []
        if FINALIZER in finalizers:
            made = await self.kube.set_finalizers(seen, [f for f in finalizers if f != FINALIZER])
            self.wrote[seen["metadata"]["uid"]] = made["metadata"]["resourceVersion"]

    async def _tell(self, owner: Owner, seen: Json, told: Iterable[Told]) -> None:
        version, here = seen["metadata"]["resourceVersion"], socket.gethostname()
        for one in told:
            event = events.manifest(owner, version, one, datetime.now(UTC), here)
            try:
                await self.kube.tell(event)
            except (ApiRefused, ApiUnavailable) as exc:  # as a namespace that is being deleted
                log.warning("an Event was not taken", extra={"cause": exc.detail})

    async def _tell_once(self, owner: Owner, seen: Json, note: str) -> None:
        if (owner.uid, note) not in self._told:
            self._told.add((owner.uid, note))
            await self._tell(owner, seen, [Told("DeletionBlocked", "Delete", note, warning=True)])

    def _forget(self, key: Key) -> None:
        gauges.remove(key)
        self.slots.free(key)
        self._looks.pop(key, None)
        self.reasons.pop(key, None)
        self._compared.forget(key)
        self._asked.forget(key)


def _owner(seen: Json) -> Owner:
    meta = seen["metadata"]
    return Owner(meta["namespace"], meta["name"], meta["uid"], meta["generation"])


def _unreadable(exc: ValidationError) -> str:
    """A spec that the CRD let through and this operator does not understand."""
    places = "; ".join(f"spec.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors())
    return f"This operator cannot read the spec, install the CRD of its version: {places}"


def _fault_of(exc: Exception) -> str:
    if isinstance(exc, ApiRefused):
        return (
            f"The API server refuses what the migrator needs: {redact(exc.detail)}. Give it the "
            "rights of operators/install/rbac.yaml in this namespace."
        )
    name = type(exc).__name__
    return f"A fault of the migrator ({name}), which tries again; its log has the traceback."


def _stopping(name: str) -> Told:
    return Told(
        "Stopping", "Delete", f"Job {name} is stopped; what it had not committed is undone."
    )


def _log(found: Observed, made: Decision) -> None:
    """One line for each thing that changed."""
    extra = {
        "namespace": found.owner.namespace,
        "resource": found.owner.name,
        "attempt": made.status.get("attempt", 0),
    }
    if made.verdict:
        ended = {"outcome": made.verdict.outcome, "code": made.verdict.code}
        log.info("attempt ended: %s", made.verdict.message, extra={**extra, **ended})
    if made.start:
        log.info("attempt started: %s", made.status["jobName"], extra=extra)
    if (reason := ready_reason(made.status)) != ready_reason(found.status):
        said = (condition(made.status, "Ready") or {}).get("message", "")
        log.info("now %s: %s", reason, cut(said, LOGGED_CHARS), extra=extra)
