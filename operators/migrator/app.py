"""Puts the migrator together: what is heard, the queue of looks, the pulse, HTTP."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from operators.migrator import handlers, routes
from operators.migrator.job import OWNER
from operators.migrator.kube import ApiRefused, ApiUnavailable, Kube
from operators.migrator.pulse import Pulse
from operators.migrator.queue import Queue
from operators.migrator.reach import Places, Reach
from operators.migrator.reconcile import Reconciler
from operators.migrator.settings import MigratorSettings
from operators.migrator.slots import Slots
from operators.migrator.status import Reason
from services.common.health import Health

WAIT_S = 2.0
log = logging.getLogger(__name__)


class App:
    """One migrator."""

    def __init__(self, kube: Kube, settings: MigratorSettings) -> None:
        self.kube = kube
        self.settings = settings
        self.slots = Slots(settings.migrator_max_jobs, lambda key: self.queue.wake(key))
        self.reconciler = Reconciler(kube, settings, self.slots)
        self.queue = Queue(self.reconciler.look)
        self.reach = Reach(kube, settings.namespaces)
        self._moved = asyncio.Event()
        self._heard: Places = ()
        self.pulse = Pulse(settings.migrator_deaf_s, time.monotonic())
        self.health = Health("migrator")
        self.health.live["watch"] = self._check

    def migration_changed(self, body: Mapping[str, Any], *, gone: bool) -> None:
        """Wake the resource, unless it is only our own status that changed."""
        meta = body["metadata"]
        uid, version = meta["uid"], meta["resourceVersion"]
        if gone:
            self.pulse.forget(uid)
            self.reconciler.wrote.pop(uid, None)
        else:
            self.pulse.hear(uid, version)
        if gone or self.reconciler.wrote.get(uid) != version:
            self.queue.wake((meta["namespace"], meta["name"]))

    def job_changed(self, body: Mapping[str, Any]) -> None:
        """Wake the resource that the Job is for."""
        meta = body["metadata"]
        for owner in meta.get("ownerReferences", []):
            if owner.get("controller") and OWNER in meta.get("labels", {}):
                self.queue.wake((meta["namespace"], owner["name"]))

    def deployment_changed(self, namespace: str) -> None:
        """Wake the resources of the namespace with a contract file that waits for this."""
        for key, reason in list(self.reconciler.reasons.items()):
            if key[0] == namespace and reason in (Reason.WAITING_FOR_CODE, Reason.PROGRESSING):
                self.queue.wake(key)

    async def run(self) -> None:
        """Serve and listen until the process is asked to stop."""
        settings = self.settings
        app = routes.build(self.health)
        async with routes.serving(app, settings.listen_address, settings.port), self._beating():
            try:
                moved = True
                while moved:
                    moved = await self._listen()
            finally:
                await self.queue.close()

    async def _listen(self) -> bool:
        """Listen to what can be served; True when that is no longer the same."""
        await self._until_there()
        self._heard = self.reach.served
        self._moved.clear()
        names = tuple(place for place in self._heard if place is not None)
        log.info("listening", extra={"namespaces": names or "all"})
        await handlers.run(self, names, self._moved)
        return self._moved.is_set()

    async def _until_there(self) -> None:
        """Wait until SchemaMigrations can be listed: kopf would serve none for ever."""
        told = ""
        while True:
            try:
                await self.reach.list()
                await self._slots()
            except (ApiRefused, ApiUnavailable) as exc:
                if exc.detail != told:
                    log.warning("waiting for the API server and the CRD: %s", exc.detail)
                told = exc.detail
                await asyncio.sleep(WAIT_S)
            else:
                return

    async def _slots(self) -> None:
        """Jobs that run already hold their slots before anything new starts."""
        for namespace in self.reach.served:
            for job in await self.kube.jobs(namespace):
                meta, active = job["metadata"], job.get("status", {}).get("active", 0)
                for owner in meta.get("ownerReferences", []):
                    if active:
                        self.slots.take((meta["namespace"], owner["name"]))

    @asynccontextmanager
    async def _beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _beat(self) -> None:
        """List what the watch should have delivered, again and again."""
        while True:
            try:
                found = {
                    item["metadata"]["uid"]: (
                        item["metadata"]["name"],
                        item["metadata"]["resourceVersion"],
                    )
                    for item in await self.reach.list()
                }
                if self._heard and self.reach.served != self._heard:
                    log.info("other namespaces can be served now")
                    handlers.leave(self._moved)
                self.pulse.listed(found, time.monotonic())
            except ApiUnavailable:
                self.pulse.away(time.monotonic())
            except ApiRefused as exc:
                self.pulse.failed(exc.detail, time.monotonic())
            await asyncio.sleep(self.settings.migrator_pulse_s)

    async def _check(self) -> None:
        self.pulse.check(time.monotonic())
