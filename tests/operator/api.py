"""The Kubernetes API as the tests speak it: JSON over HTTP, objects as they are on the wire.

Of no kin to the operator's client: what the operator says is read by somebody else.
"""

import asyncio
import base64
import json
import ssl
import tempfile
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

GROUP = "ucc-intel.io"
Object = dict[str, Any]
GOODBYE_S = 0.05
ACCOUNT_S = 60

_GROUPS = {
    "jobs": "apis/batch/v1",
    "deployments": "apis/apps/v1",
    "schemamigrations": f"apis/{GROUP}/v1alpha1",
}
_GLOBAL = ("namespaces", "nodes")


class ApiError(Exception):
    """The API server refused a request; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


def path(plural: str, namespace: str = "", name: str = "", sub: str = "") -> str:
    """Where a collection, an object or its subresource is."""
    group = _GROUPS.get(plural, "api/v1")
    where = f"namespaces/{namespace}/" if namespace and plural not in _GLOBAL else ""
    return "/".join(filter(None, (f"/{group}/{where}{plural}", name, sub)))


class Api:
    """One client of an API server, as the user of a kubeconfig."""

    def __init__(self, server: str, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._session = session

    @classmethod
    @asynccontextmanager
    async def of(cls, kubeconfig: Path) -> AsyncIterator[Self]:
        """A client while the block runs."""
        server, context, headers = _credentials(kubeconfig)
        connector = aiohttp.TCPConnector(ssl=context)
        timeout = aiohttp.ClientTimeout(total=None, connect=10, sock_read=90)
        async with aiohttp.ClientSession(
            connector=connector, headers=headers, timeout=timeout
        ) as session:
            try:
                yield cls(server, session)
            finally:  # also of one that is cancelled
                # at once: a goodbye over TLS would outlive the loop
                await connector.close(abort_ssl=True)
                await asyncio.sleep(GOODBYE_S)

    async def get(self, where: str, **query: str) -> Object:
        """An object or a list."""
        return await self._ask("GET", where, None, query)

    async def items(self, where: str, **query: str) -> list[Object]:
        """The objects of a collection."""
        found: list[Object] = (await self.get(where, **query))["items"]
        return found

    async def create(self, where: str, body: Object) -> Object:
        """What the API server made of `body`."""
        return await self._ask("POST", where, body)

    async def patch(self, where: str, body: Object) -> Object:
        """The object after a merge patch."""
        kind = {"Content-Type": "application/merge-patch+json"}
        return await self._ask("PATCH", where, body, headers=kind)

    async def apply(self, where: str, body: Object, manager: str) -> Object:
        """The object after a server-side apply."""
        query = {"fieldManager": manager, "force": "true"}
        kind = {"Content-Type": "application/apply-patch+yaml"}
        return await self._ask("PATCH", where, body, query, kind)

    async def delete(self, where: str, grace: int | None = None) -> None:
        """Ask for an object's end; one that is gone is no error."""
        body: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            body["gracePeriodSeconds"] = grace
        try:
            await self._ask("DELETE", where, body)
        except ApiError as error:
            if error.status != 404:
                raise

    @asynccontextmanager
    async def namespace(self) -> AsyncIterator[str]:
        """A namespace for one test, with the account that its pods need; deleted after it."""
        name = f"t-{uuid.uuid4().hex[:8]}"
        await self.create(path("namespaces"), {"metadata": {"name": name}})
        try:
            async with asyncio.timeout(ACCOUNT_S):
                while not await self.items(path("serviceaccounts", name)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            yield name
        finally:
            await self.delete(path("namespaces", name=name))

    async def text(self, where: str, **query: str) -> str:
        """What is no JSON: a pod's log."""
        async with self._session.get(self.server + where, params=query) as answer:
            said = await answer.text()
            if answer.status >= 400:
                raise ApiError(answer.status, said)
            return said

    async def watch(self, where: str, **query: str) -> AsyncGenerator[tuple[str, Object], None]:
        """(ADDED | MODIFIED | DELETED, object) from what is there now on, until it breaks."""
        # version 0: from what the API server has in its cache, which some etcd keeps behind
        asked = {"watch": "true", "timeoutSeconds": "60", "resourceVersion": "0", **query}
        async with self._session.get(self.server + where, params=asked) as answer:
            if answer.status >= 400:
                raise ApiError(answer.status, await answer.text())
            try:
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for told in map(json.loads, lines):
                        if told["type"] == "ERROR":
                            raise ApiError(told["object"].get("code", 500), str(told["object"]))
                        yield told["type"], told["object"]
            finally:  # aiohttp would say a goodbye, and knows the connection no more
                if (open_ := answer.connection) and open_.transport:
                    open_.transport.abort()

    async def _ask(
        self,
        method: str,
        where: str,
        body: Object | None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Object:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} | dict(headers or {})
        async with self._session.request(
            method, self.server + where, data=data, params=query, headers=headers
        ) as answer:
            said = await answer.read()
            if answer.status >= 400:
                raise ApiError(answer.status, _message(said))
            told: Object = json.loads(said)
            return told


def _message(said: bytes) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError):
        return said.decode(errors="replace")


def _credentials(kubeconfig: Path) -> tuple[str, ssl.SSLContext, dict[str, str]]:
    """(server, TLS with its client certificate, headers) of the current context."""
    config = json.loads(kubeconfig.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=_pem(cluster, "certificate-authority", kubeconfig))
    if "token" in user:
        return cluster["server"], tls, {"Authorization": f"Bearer {user['token']}"}
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder) / "pair.pem"
        pair.write_text(
            _pem(user, "client-certificate", kubeconfig) + _pem(user, "client-key", kubeconfig)
        )
        tls.load_cert_chain(pair)
    return cluster["server"], tls, {}


def _named(entries: list[Object], name: str) -> Object:
    return next(entry for entry in entries if entry["name"] == name)


def _pem(entry: Object, key: str, kubeconfig: Path) -> str:
    if f"{key}-data" in entry:
        return base64.b64decode(entry[f"{key}-data"]).decode()
    return Path(kubeconfig.parent / str(entry[key])).read_text()
