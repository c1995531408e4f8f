"""Where one test works: a namespace of its own, a database, the hands of its node.

The words of the tests are here: `apply` a SchemaMigration, wait `until` something is so, read
`conditions`, `events` and `jobs`.
"""

import asyncio
import base64
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.operator.api import GROUP, Api, ApiError, Object, path
from tests.operator.processes import Operator
from tests.support.stack import TestDatabase

KEY = "DATABASE_DIRECT_URL"
WAIT_S = 90.0
POLL_S = 0.1
QUIET_S = 2.0
NAME = "app"
FINAL = ("Complete", "Failed")
MANAGER = "tests"

QUICK: Object = {
    "timeouts": {"lockSeconds": 0.5, "statementSeconds": 30, "overallSeconds": 120},
    "retries": {"limit": 1, "backoffSeconds": 0.5, "backoffCapSeconds": 0.5, "lockRetries": 0},
    "policy": {"lint": "off"},
}
"""Little patience and no linter, so that a test waits for what it is about and nothing else."""


class Place:
    """A namespace and the database that its Secret `db` leads to."""

    def __init__(self, api: Api, namespace: str, database: TestDatabase) -> None:
        self.api = api
        self.namespace = namespace
        self.database = database

    async def secret(self, url: str, name: str = "db") -> None:
        """Make or change the Secret that the resource names."""
        data = {KEY: base64.b64encode(url.encode()).decode()}
        await self.put("secrets", name, {"apiVersion": "v1", "kind": "Secret", "data": data})

    async def files(self, data: Mapping[str, str], name: str = "sql") -> None:
        """Make the ConfigMap hold just these files."""
        where = path("configmaps", self.namespace, name)
        try:
            present = (await self.api.get(where)).get("data") or {}
        except ApiError as error:
            if error.status != 404:
                raise
            await self.api.create(
                path("configmaps", self.namespace), {"metadata": {"name": name}, "data": dict(data)}
            )
        else:
            gone: dict[str, Any] = dict.fromkeys(present.keys() - data.keys())
            await self.api.patch(where, {"data": gone | dict(data)})

    async def put(self, plural: str, name: str, body: Object) -> Object:
        """`kubectl apply --server-side`: the object is as `body` says, whatever it was."""
        meta = {"name": name, "namespace": self.namespace} | body.get("metadata", {})
        return await self.api.apply(
            path(plural, self.namespace, name), body | {"metadata": meta}, MANAGER
        )

    async def apply(self, name: str = NAME, quick: bool = True, **spec: Any) -> Object:
        """Apply a SchemaMigration of ConfigMap `sql` on Secret `db`; `spec` is laid over that."""
        given: Object = {
            "database": {"secretRef": {"name": "db"}},
            "source": {"configMapRef": {"name": "sql"}},
        }
        if quick:
            given |= QUICK
        for key, value in spec.items():
            mixed = isinstance(value, dict) and key in ("timeouts", "retries", "policy")
            given[key] = {**given.get(key, {}), **value} if mixed else value
        body = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "SchemaMigration", "spec": given}
        return await self.put("schemamigrations", name, body)

    async def start(self, files: Mapping[str, str], **spec: Any) -> Object:
        """Secret, files and resource, all at once, as a first install brings them."""
        await self.secret(self.database.direct_url)
        await self.files(files)
        return await self.apply(**spec)

    async def annotate(self, name: str = NAME, **annotations: str) -> None:
        """Set `ucc-intel.io/<key>` on the resource."""
        named = {f"{GROUP}/{key}": value for key, value in annotations.items()}
        where = path("schemamigrations", self.namespace, name)
        await self.api.patch(where, {"metadata": {"annotations": named}})

    async def resource(self, name: str = NAME) -> Object:
        """The SchemaMigration as it is."""
        return await self.api.get(path("schemamigrations", self.namespace, name))

    async def status(self, name: str = NAME) -> Object:
        """Its status, empty where nobody wrote one yet."""
        found: Object = (await self.resource(name)).get("status") or {}
        return found

    async def until(
        self,
        met: Callable[[Object], bool],
        what: str,
        name: str = NAME,
        seconds: float = WAIT_S,
    ) -> Object:
        """The status as soon as `met`; else AssertionError with what it is instead."""
        end = time.monotonic() + seconds
        while True:
            resource = await self.resource(name)
            status: Object = resource.get("status") or {}
            fresh = status.get("observedGeneration") == resource["metadata"]["generation"]
            if fresh and met(status):
                return status
            assert time.monotonic() < end, f"{what}: {status}; {await self.events()}"
            await asyncio.sleep(POLL_S)

    async def ready(self, name: str = NAME, seconds: float = WAIT_S, **expected: Any) -> Object:
        """The status once the present spec is Ready, with `expected` fields."""
        return await self.until(
            lambda status: is_true(status, "Ready") and has(status, expected),
            f"Ready {expected or ''}",
            name,
            seconds,
        )

    async def reason(self, *reasons: str, name: str = NAME, seconds: float = WAIT_S) -> Object:
        """The status once Ready's reason for the present spec is one of these."""
        return await self.until(
            lambda status: condition(status, "Ready").get("reason") in reasons,
            " or ".join(reasons),
            name,
            seconds,
        )

    async def stalled(self, reason: str, name: str = NAME, seconds: float = WAIT_S) -> Object:
        """The status once it is Stalled for `reason`: nothing more happens by itself."""
        return await self.until(
            lambda status: (
                is_true(status, "Stalled") and condition(status, "Stalled")["reason"] == reason
            ),
            f"Stalled {reason}",
            name,
            seconds,
        )

    async def quiet(self, name: str = NAME, seconds: float = WAIT_S) -> str:
        """Return once nobody wrote the resource for a while: its resourceVersion."""
        end = time.monotonic() + seconds
        last, since = "", time.monotonic()
        while time.monotonic() < since + QUIET_S:
            seen = (await self.resource(name))["metadata"]["resourceVersion"]
            if seen != last:
                last, since = seen, time.monotonic()
            assert time.monotonic() < end, f"written all the time: {await self.status(name)}"
            await asyncio.sleep(POLL_S)
        return last

    async def unwritten(self, operator: Operator, looks: int = 3) -> str:
        """Return once this operator looked so often and nobody wrote: the resourceVersion."""
        last, since = "", operator.looks()
        end = time.monotonic() + WAIT_S
        while True:
            seen = (await self.resource())["metadata"]["resourceVersion"]
            if seen != last:
                last, since = seen, operator.looks()
            elif operator.looks() >= since + looks:
                return last
            assert time.monotonic() < end, f"written all the time: {await self.status()}"
            await asyncio.sleep(POLL_S)

    async def delete(self, plural: str, name: str, grace: int | None = None) -> None:
        """Ask for the end of an object of this namespace."""
        await self.api.delete(path(plural, self.namespace, name), grace)

    async def jobs(self) -> list[Object]:
        """The Jobs of this namespace, oldest first."""
        found = await self.api.items(path("jobs", self.namespace))
        return sorted(found, key=lambda job: job["metadata"]["creationTimestamp"])

    async def pods(self) -> list[Object]:
        """The pods of this namespace."""
        return await self.api.items(path("pods", self.namespace))

    async def events(self) -> list[tuple[str, str]]:
        """(reason, note) of each Event about resources of ours in this namespace."""
        found = await self.api.items(path("events", self.namespace))
        return [
            (event.get("reason", ""), event.get("message", ""))
            for event in found
            if event["involvedObject"].get("kind") == "SchemaMigration"
        ]

    async def told(self, *words: str) -> None:
        """Return once one Event has all of these words."""

        async def there() -> bool:
            told = [f"{reason}: {note}" for reason, note in await self.events()]
            return any(all(word in one for word in words) for one in told)

        await eventually(there, f"an Event tells of {' and '.join(words)}")

    def version(self) -> int:
        """The version that the database itself says it is at."""
        said = self.database.psql(
            "SELECT coalesce(max(version), 0) FROM schema_migrations WHERE state = 'applied'"
        )
        return int(said)

    def working(self, said: str) -> bool:
        """Whether a runner's statement with `said` in it runs in the database now."""
        return self.sessions(f"state = 'active' AND query LIKE '%{said}%'") > 0

    def environment(self) -> dict[str, str]:
        """Of a process of ours that works on this database, as a pod has it."""
        kept = {n: v for n, v in os.environ.items() if n == "PATH" or n.startswith("COVERAGE_")}
        return kept | {KEY: self.database.direct_url}

    async def idle(self) -> bool:
        """Whether no runner has a session in the database."""
        return self.sessions() == 0

    async def exists(self, name: str = NAME) -> bool:
        """Whether the SchemaMigration is there."""
        try:
            await self.resource(name)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def sessions(self, such: str = "true") -> int:
        """How many sessions of runners there are in the database."""
        return int(
            self.database.psql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                f" AND application_name LIKE 'migrations %' AND {such}"
            )
        )


async def eventually(
    ask: Callable[[], Awaitable[bool]], what: str, seconds: float = WAIT_S
) -> None:
    """Return once `ask` says yes; else AssertionError with `what`."""
    end = time.monotonic() + seconds
    while not await ask():
        assert time.monotonic() < end, f"not so after {seconds:g} s: {what}"
        await asyncio.sleep(POLL_S)


def condition(status: Object, kind: str) -> Object:
    """A condition of a status, empty where it is not there."""
    return next((c for c in status.get("conditions", ()) if c["type"] == kind), {})


def is_true(status: Object, kind: str) -> bool:
    """Whether a condition is there and True."""
    return condition(status, kind).get("status") == "True"


def has(status: Object, expected: Mapping[str, Any]) -> bool:
    """Whether the status has these fields with these values."""
    return all(status.get(key) == value for key, value in expected.items())


def lasting(status: Object) -> Object:
    """A status without the time of the last look at the database."""
    return {key: value for key, value in status.items() if key != "lastVerifiedAt"}


def is_over(job: Object) -> bool:
    """Whether a Job will do nothing more."""
    said = job.get("status", {}).get("conditions", ())
    return any(c["type"] in FINAL and c["status"] == "True" for c in said)
