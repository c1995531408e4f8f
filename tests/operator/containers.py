"""One container of a pod as a process of this machine: its environment, volumes, command.

What `hands` starts. Paths that the pod mounts are folders of ours here, and its command says so;
the image is this repository with the Python that runs the tests.
"""

import asyncio
import base64
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.operator.api import Api, ApiError, Object, path
from tests.stack.config import REPO

TERMINATION_LOG = "/dev/termination-log"
_KEPT = ("PATH", "HOME", "LANG")


class NotThere(Exception):
    """A Secret or ConfigMap that the container needs is missing, as kubelet would say it."""


class Container:
    """The first container of `pod`, with `folder` for all that it mounts and says."""

    def __init__(self, pod: Object, folder: Path) -> None:
        self.pod = pod
        self.spec: Object = pod["spec"]["containers"][0]
        self.folder = folder
        self.log = folder / "log"
        self.said = folder / "termination-log"
        self.process: asyncio.subprocess.Process | None = None
        self._paths = {TERMINATION_LOG: str(self.said)}

    async def prepare(self, api: Api) -> dict[str, str]:
        """Write the volumes and return the environment; raises NotThere."""
        self.folder.mkdir(parents=True, exist_ok=True)
        namespace = self.pod["metadata"]["namespace"]
        mounts = {mount["name"]: mount["mountPath"] for mount in self.spec.get("volumeMounts", ())}
        for volume in self.pod["spec"].get("volumes", ()):
            if "configMap" in volume and volume["name"] in mounts:
                name = volume["configMap"]["name"]
                data = (await _read(api, "configmaps", namespace, name)).get("data") or {}
                inside = self.folder / volume["name"]
                if not inside.exists():
                    write_config_map(inside, data)
                self._paths[mounts[volume["name"]]] = str(inside)
        return {
            variable["name"]: await self._value(api, namespace, variable)
            for variable in self.spec.get("env", ())
        }

    async def start(self, environment: Mapping[str, str]) -> None:
        """Run the container's command with nothing else of our environment than it needs."""
        kept = {n: v for n, v in os.environ.items() if n in _KEPT or n.startswith("COVERAGE_")}
        words: list[str] = [*self.spec.get("command", ()), *self.spec.get("args", ())]
        assert words[:1] == ["python"], f"this image has no {words}"
        with self.log.open("wb") as out:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *map(self._here, words[1:]),
                cwd=REPO,
                env={**kept, **environment},
                stdout=out,
                stderr=out,
            )

    async def wait(self) -> int:
        """The exit code, 128 + n for one that died of signal n."""
        assert self.process
        code = await self.process.wait()
        return code if code >= 0 else 128 - code

    def signal(self, sign: signal.Signals) -> None:
        """Signal the process while it runs."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(sign)

    def message(self) -> str:
        """What it left as its termination message, cut as kubelet cuts it."""
        if not self.said.exists():
            return ""
        return self.said.read_bytes()[:4096].decode(errors="replace")

    def _here(self, word: str) -> str:
        for there, here in self._paths.items():
            if word == there or word.startswith(there + "/"):
                return here + word[len(there) :]
        return word

    async def _value(self, api: Api, namespace: str, variable: Object) -> str:
        source: Object = variable.get("valueFrom") or {}
        if ref := source.get("secretKeyRef"):
            data = (await _read(api, "secrets", namespace, ref["name"])).get("data") or {}
            return base64.b64decode(_key(data, ref)).decode()
        if ref := source.get("configMapKeyRef"):
            data = (await _read(api, "configmaps", namespace, ref["name"])).get("data") or {}
            return _key(data, ref)
        if ref := source.get("fieldRef"):
            return _field(self.pod, ref["fieldPath"])
        return str(variable.get("value", ""))


async def _read(api: Api, plural: str, namespace: str, name: str) -> Object:
    try:
        return await api.get(path(plural, namespace, name))
    except ApiError as error:
        if error.status != 404:
            raise
        raise NotThere(error.message) from None


def _key(data: Mapping[str, str], ref: Object) -> str:
    if ref["key"] not in data:
        raise NotThere(f"couldn't find key {ref['key']} in {ref['name']}")
    return data[ref["key"]]


def _field(pod: Object, where: str) -> str:
    node: object = pod
    for step in where.split("."):
        node = node.get(step, "") if isinstance(node, dict) else ""
    return str(node) or socket.gethostname()


def write_config_map(folder: Path, data: Mapping[str, str]) -> None:
    """As kubelet does: files below a dated folder, `..data` to it, a link for each key."""
    dated = folder / "..2026_01_01"
    dated.mkdir(parents=True, exist_ok=True)
    for key, text in data.items():
        (dated / key).write_text(text)
    (folder / "..data").symlink_to(dated.name)
    for key in data:
        (folder / key).symlink_to(f"..data/{key}")
