"""A stand-in of the kubelet for the light ring: pods' containers run as processes of this machine.

It watches pods, binds those that nobody scheduled, runs their command, writes their status, and
ends them as kubelet does (SIGTERM, the grace period, SIGKILL). A test may have it fail in the ways
nodes fail: an image that never comes, an eviction, the out-of-memory killer, a container that
says it is done and did nothing.
"""

import asyncio
import concurrent.futures
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.operator.api import Api, ApiError, Object, path
from tests.operator.containers import Container, NotThere
from tests.operator.node_logs import serve_logs

NODE = "hands"
AGAIN_S = 0.2
PATIENCE_S = 60.0
IMAGE_GONE = "ImagePullBackOff"


@dataclass
class Run:
    """A pod in our hands; `end` is why its container ends, where that is not its own doing."""

    pod: Object
    container: Container
    task: asyncio.Task[None] | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    grace_s: float = 0
    end: str = ""
    deleted: bool = False

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return str(self.pod["metadata"]["namespace"])


class Hands:
    """Runs pods; `images`, `liars` and `ran` are kept by namespace, so that tests keep apart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.no_image: set[str] = set()
        self.liars: dict[str, str] = {}
        self.ran: dict[str, list[str]] = {}
        self.runs: dict[str, Run] = {}
        self._api: Api | None = None

    # what tests ask for, from their own thread

    def evict(self, namespace: str) -> None:
        """End the running pod of a namespace as a node short of memory does."""
        self._end(namespace, "Evicted")

    def oom(self, namespace: str) -> None:
        """Kill the running container of a namespace as the kernel does."""
        self._end(namespace, "OOMKilled")

    def crash(self, namespace: str) -> None:
        """kill -9 on the running container of a namespace."""
        self._end(namespace, "Error")

    def busy(self, namespace: str) -> bool:
        """Whether a container runs in a namespace now."""
        return bool(self._running(namespace))

    def _running(self, namespace: str) -> list[Run]:
        return [
            run
            for run in list(self.runs.values())
            if run.namespace == namespace
            and run.container.process
            and run.container.process.returncode is None
        ]

    def _end(self, namespace: str, reason: str) -> None:
        runs = self._running(namespace)
        assert runs, f"no container runs in {namespace}"
        for run in runs:
            run.end = reason
            run.container.signal(signal.SIGKILL)

    # the kubelet's part, in a loop of its own

    async def work(self, kubeconfig: Path) -> None:
        """Serve the API server until cancelled; one that is away is waited for."""
        async with Api.of(kubeconfig) as api:
            self._api = api
            async with serve_logs(self._log) as port:
                await self._patiently(lambda: self._register(port))
                while True:
                    try:
                        async with aclosing(api.watch(path("pods"))) as events:
                            async for _, pod in events:
                                self._see(pod)
                    except (aiohttp.ClientError, ApiError, OSError, TimeoutError):
                        await asyncio.sleep(AGAIN_S)

    @property
    def api(self) -> Api:
        """The client, once there is one."""
        assert self._api
        return self._api

    async def _register(self, port: int) -> None:
        """Be a node, at whose address the API server asks for logs."""
        try:
            await self.api.create(path("nodes"), {"metadata": {"name": NODE}})
        except ApiError as error:
            if error.status != 409:
                raise
        address = {"type": "InternalIP", "address": "127.0.0.1"}
        status = {"addresses": [address], "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
        await self.api.patch(path("nodes", name=NODE, sub="status"), {"status": status})

    def _log(self, namespace: str, pod: str) -> str:
        for run in self.runs.values():
            if (run.namespace, run.name) == (namespace, pod) and run.container.log.exists():
                return run.container.log.read_text(errors="replace")
        return ""

    def _see(self, pod: Object) -> None:
        """Act on what is so, not on what happened: an event may come twice or late."""
        meta, spec = pod["metadata"], pod["spec"]
        run = self.runs.get(meta["uid"])
        if spec.get("nodeName") not in (None, NODE):
            return
        if meta.get("deletionTimestamp"):
            self._let_go(run, pod)
        elif run is None and pod["status"].get("phase") == "Pending":
            run = Run(pod, Container(pod, self.folder / meta["uid"]))
            self.runs[meta["uid"]] = run
            run.task = asyncio.create_task(self._run(run))

    def _let_go(self, run: Run | None, pod: Object) -> None:
        if run is None:
            run = Run(pod, Container(pod, self.folder / pod["metadata"]["uid"]))
            self.runs[pod["metadata"]["uid"]] = run
        if run.deleted:
            return
        run.deleted = True
        run.grace_s = pod["metadata"].get("deletionGracePeriodSeconds") or 0
        run.stop.set()
        if run.task is None or run.task.done():
            run.task = asyncio.create_task(self._forget(run))

    async def _forget(self, run: Run) -> None:
        where = path("pods", run.namespace, run.name)
        await self._patiently(lambda: self.api.delete(where, grace=0))

    async def _run(self, run: Run) -> None:
        """A pod's life, from its place on the node to its last status."""
        await self._bind(run)
        if run.namespace in self.no_image:
            await self._waiting(run, IMAGE_GONE, f"Back-off pulling image {_image(run)!r}")
            await run.stop.wait()
            return await self._forget(run)
        environment = await self._environment(run)
        began = now()
        if environment is not None:
            code, message = await self._contain(run, environment, began)
            await self._say(run, finished(run, code, message, began))
        if run.deleted:
            await self._forget(run)
        return None

    async def _contain(self, run: Run, environment: dict[str, str], began: str) -> tuple[int, str]:
        """Run the container to its end: (exit code, termination message)."""
        if run.namespace in self.liars:
            return 0, self.liars[run.namespace]
        await run.container.start(environment)
        self.ran.setdefault(run.namespace, []).append(run.name)
        await self._say(run, running(run, began))
        ended = asyncio.create_task(run.container.wait())
        asked = asyncio.create_task(run.stop.wait())
        await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            run.container.signal(signal.SIGTERM)
            await asyncio.wait({ended}, timeout=run.grace_s)
            run.container.signal(signal.SIGKILL)
        asked.cancel()
        return await ended, run.container.message()

    async def _environment(self, run: Run) -> dict[str, str] | None:
        """The container's environment once all is there that it names; None: deleted before."""
        while not run.stop.is_set():
            try:
                return await run.container.prepare(self.api)
            except NotThere as error:
                await self._waiting(run, "CreateContainerConfigError", str(error))
                await asyncio.sleep(AGAIN_S)
        return None

    async def _bind(self, run: Run) -> None:
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": run.name}}
        where = path("pods", run.namespace, run.name, "binding")
        await self._patiently(lambda: self.api.create(where, body | {"target": target}))

    async def _waiting(self, run: Run, reason: str, message: str) -> None:
        state = {"waiting": {"reason": reason, "message": message}}
        await self._say(run, {"phase": "Pending", "containerStatuses": [_container(run, state)]})

    async def _say(self, run: Run, status: Object) -> None:
        where = path("pods", run.namespace, run.name, "status")
        await self._patiently(lambda: self.api.patch(where, {"status": status}))

    async def _patiently(self, ask: Callable[[], Awaitable[Any]]) -> None:
        """Ask until the API server answers; what is gone or was done already is done."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                await ask()
                return
            except ApiError as error:
                if error.status in (404, 409):
                    return
                if time.monotonic() > end:
                    raise
            except (aiohttp.ClientError, OSError, TimeoutError):
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(AGAIN_S)


def running(run: Run, began: str) -> Object:
    """A pod's status while its container runs."""
    state = {"running": {"startedAt": began}}
    return {
        "phase": "Running",
        "startTime": began,
        "containerStatuses": [_container(run, state, ready=True)],
    }


def finished(run: Run, code: int, message: str, began: str) -> Object:
    """A pod's status after its container's end."""
    reason = run.end or ("Completed" if code == 0 else "Error")
    ended: Object = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": now()}
    if message:
        ended["message"] = message
    status: Object = {
        "phase": "Succeeded" if code == 0 else "Failed",
        "containerStatuses": [_container(run, {"terminated": ended})],
    }
    if run.end == "Evicted":
        ended["reason"] = "Error"
        status |= {"reason": "Evicted", "message": "The node was low on resource: memory."}
    return status


def _container(run: Run, state: Object, *, ready: bool = False) -> Object:
    return {
        "name": run.container.spec["name"],
        "image": _image(run),
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
    }


def _image(run: Run) -> str:
    return str(run.container.spec["image"])


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def at_work(kubeconfig: Path, folder: Path) -> Iterator[Hands]:
    """Hands in a thread of their own while the block runs; no container outlives it."""
    hands = Hands(folder)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hands", daemon=True)
    thread.start()
    working = asyncio.run_coroutine_threadsafe(hands.work(kubeconfig), loop)
    try:
        yield hands
    finally:
        working.cancel()
        _in(loop, _all_ended(hands)).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def _in(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]
) -> concurrent.futures.Future[None]:
    return asyncio.run_coroutine_threadsafe(work, loop)


async def _all_ended(hands: Hands) -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for run in hands.runs.values():
        run.container.signal(signal.SIGKILL)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
