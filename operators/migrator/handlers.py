"""What the migrator listens to, as kopf sees it: everything only wakes a look at a resource.

Only plain `on.event` handlers: kopf then keeps no state of its own in our resources, sets no
finalizer and retries nothing.
"""

import asyncio
import itertools
import signal
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import kopf

from operators.migrator.job import MANAGED_BY, MANAGER
from operators.migrator.spec import APP_VERSION, GROUP, PLURAL, VERSION

Body = Mapping[str, Any]


class Listener(Protocol):
    """Who wants to hear."""

    def migration_changed(self, body: Body, *, gone: bool) -> None:
        """A SchemaMigration is new, changed or gone."""

    def job_changed(self, body: Body) -> None:
        """One of our Jobs changed or went."""

    def deployment_changed(self, namespace: str) -> None:
        """A Deployment with our version label changed or went."""


def registry(listener: Listener) -> kopf.OperatorRegistry:
    """The handlers, bound to a listener."""
    made = kopf.OperatorRegistry()

    @kopf.on.login(registry=made)
    def log_in(**given: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=made)
    async def migration(type: str | None, body: kopf.Body, **_: Any) -> None:
        listener.migration_changed(body, gone=type == "DELETED")

    @kopf.on.event("batch", "v1", "jobs", registry=made)
    async def job(body: kopf.Body, **_: Any) -> None:
        listener.job_changed(body)

    @kopf.on.event("apps", "v1", "deployments", registry=made)
    async def deployment(namespace: str | None, **_: Any) -> None:
        listener.deployment_changed(namespace or "")

    return made


def settings() -> kopf.OperatorSettings:
    """kopf's settings: short requests, watches that are renewed, patience without end."""
    made = kopf.OperatorSettings()
    made.posting.enabled = False  # Events are our own, one a step
    made.scanning.disabled = True  # neither namespaces nor CRDs need to be listed
    made.peering.standalone = True  # two operators do the same, see job.name_of
    made.watching.server_timeout = 600
    made.watching.inactivity_timeout = 70
    made.watching.connect_timeout = 10
    made.watching.label_selectors["batch", "v1", "jobs"] = f"{MANAGED_BY}={MANAGER}"
    made.watching.label_selectors["apps", "v1", "deployments"] = APP_VERSION
    made.networking.request_timeout = 60
    made.networking.error_backoffs = Endless()
    made.persistence.finalizer = f"{GROUP}/unused"
    return made


class Endless:
    """Back-off of the watches while the API server is away: without end, so that they come back."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.5, 1, 2, 4), itertools.repeat(5))


def leave(stop: asyncio.Event) -> None:
    """End `run` for another one; while it ends it would swallow a signal to the process."""
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(sign)
    stop.set()


async def run(listener: Listener, namespaces: tuple[str, ...], stop: asyncio.Event) -> None:
    """Listen until SIGTERM or SIGINT, or until `stop` is set."""
    await kopf.operator(
        registry=registry(listener),
        settings=settings(),
        clusterwide=not namespaces,
        namespaces=namespaces,
        standalone=True,
        stop_flag=stop,
    )
