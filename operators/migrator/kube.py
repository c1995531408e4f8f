"""Calls of the Kubernetes API by lightkube, objects as plain dicts: the only module that knows it.

Resources are described here instead of taken from lightkube-models, which would cost memory
for types that are only passed on.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import CascadeType, PatchType

from operators.migrator.attempt import REFUSED
from operators.migrator.job import CONTAINER, MANAGED_BY, MANAGER, Owner
from operators.migrator.spec import APP_VERSION, GROUP, KIND, PLURAL, VERSION
from services.common.errors import AppError, Unavailable

Json = dict[str, Any]
FINALIZER = f"{GROUP}/migrator"
MANAGER_NAME = MANAGER
LOG_BYTES = 1024 * 1024
_ALL = "*"
_Migration: Any = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)
_Job: Any = create_namespaced_resource("batch", "v1", "Job", "jobs")
_Pod: Any = create_namespaced_resource("", "v1", "Pod", "pods")
_Secret: Any = create_namespaced_resource("", "v1", "Secret", "secrets")
_ConfigMap: Any = create_namespaced_resource("", "v1", "ConfigMap", "configmaps")
_Deployment: Any = create_namespaced_resource("apps", "v1", "Deployment", "deployments")
_Event: Any = create_namespaced_resource("events.k8s.io", "v1", "Event", "events")


class ApiUnavailable(Unavailable, status=503, retryable=True):
    """The Kubernetes API does not answer."""


class ApiRefused(AppError):
    """The Kubernetes API refused a request."""


class Changed(AppError, retryable=True):
    """An object changed since it was read: look again."""


class _Translated:
    """Turns lightkube's errors into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(exc, ApiError):
            code = exc.status.code or 0
            if code == 409:
                raise Changed(str(exc), http=code) from exc
            if code >= 500 or code == 429:
                raise ApiUnavailable(str(exc), http=code) from exc
            raise ApiRefused(str(exc), http=code) from exc
        if isinstance(exc, httpx2.HTTPError):
            raise ApiUnavailable(f"{type(exc).__name__}: {exc}") from exc


def _status_code(exc: AppError) -> object:
    return exc.extra.get("http")


class Kube:
    """What the migrator asks of the API server and tells it."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    @classmethod
    def connect(cls) -> Self:
        """A client from the service account or KUBECONFIG; raises ApiRefused without either."""
        try:
            return cls(AsyncClient(timeout=httpx2.Timeout(20), field_manager=MANAGER))
        except (ConfigError, OSError) as exc:
            raise ApiRefused(f"No cluster to work for: set KUBECONFIG ({exc}).") from exc

    async def migration(self, namespace: str, name: str) -> Json | None:
        """A SchemaMigration as the API server has it now; None where there is none."""
        return await self._get(_Migration, namespace, name)

    async def migrations(self, namespace: str | None = None) -> list[Json]:
        """All of a namespace, or of the cluster."""
        return await self._list(_Migration, namespace)

    async def secret(self, namespace: str, name: str) -> Json | None:
        """A Secret, or None."""
        return await self._get(_Secret, namespace, name)

    async def config_map(self, namespace: str, name: str) -> Json | None:
        """A ConfigMap, or None."""
        return await self._get(_ConfigMap, namespace, name)

    async def deployments(self, namespace: str) -> list[Json]:
        """The Deployments that carry our version label."""
        return await self._list(_Deployment, namespace, {APP_VERSION: None})

    async def jobs(self, namespace: str | None, owner: Owner | None = None) -> list[Json]:
        """The Jobs of one resource, or all of ours."""
        labels = owner.selector if owner else {MANAGED_BY: MANAGER}
        return await self._list(_Job, namespace, labels)

    async def pods(self, owner: Owner) -> list[Json]:
        """The pods of a resource's Jobs."""
        return await self._list(_Pod, owner.namespace, owner.selector)

    async def refusals(self, namespace: str, job: str) -> list[Json]:
        """The Events by which the Job controller tells that it cannot make a Job's pod."""
        return await self._list(
            _Event, namespace, fields={"regarding.name": job, "reason": REFUSED}
        )

    async def log(self, namespace: str, pod: str) -> str:
        """The end of a pod's log."""
        with _Translated():
            lines = self.client.log(pod, namespace=namespace, container=CONTAINER, tail_lines=5)
            return "".join([line async for line in lines])[-LOG_BYTES:]

    async def create_job(self, job: Json) -> bool:
        """Create a Job; False where it is there already, made by us or by a second operator."""
        try:
            with _Translated():
                await self.client.create(_Job(job))
        except Changed:
            return False
        return True

    async def delete_job(self, namespace: str, name: str) -> None:
        """Delete a Job; it is gone when its pods are. One that is not there is fine."""
        try:
            with _Translated():
                await self.client.delete(
                    _Job, name, namespace=namespace, cascade=CascadeType.FOREGROUND
                )
        except ApiRefused as exc:
            if _status_code(exc) != 404:
                raise

    async def patch_status(self, seen: Json, patch: Mapping[str, Any]) -> Json:
        """Merge `patch` into the status of the object as it was seen; Changed if it is not that."""
        body = {"metadata": _seen(seen), "status": patch}
        return await self._patch(_Migration.Status, seen, body)

    async def set_finalizers(self, seen: Json, finalizers: list[str]) -> Json:
        """Replace the finalizers of the object as it was seen."""
        body = {"metadata": {**_seen(seen), "finalizers": finalizers}}
        return await self._patch(_Migration, seen, body)

    async def tell(self, event: Json) -> None:
        """Create an Event; one that was told already is fine."""
        try:
            with _Translated():
                await self.client.create(_Event(event))
        except Changed:
            return

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    async def _get(self, kind: Any, namespace: str, name: str) -> Json | None:
        try:
            with _Translated():
                return dict(await self.client.get(kind, name, namespace=namespace))
        except ApiRefused as exc:
            if _status_code(exc) == 404:
                return None
            raise

    async def _list(
        self, kind: Any, namespace: str | None, labels: dict[str, Any] | None = None, **more: Any
    ) -> list[Json]:
        with _Translated():
            found = self.client.list(kind, namespace=namespace or _ALL, labels=labels, **more)
            return [dict(item) async for item in found]

    async def _patch(self, kind: Any, seen: Json, body: Json) -> Json:
        meta = seen["metadata"]
        with _Translated():
            made = await self.client.patch(
                kind, meta["name"], body, namespace=meta["namespace"], patch_type=PatchType.MERGE
            )
        return dict(made)


def _seen(found: Json) -> Json:
    return {"resourceVersion": found["metadata"]["resourceVersion"]}
