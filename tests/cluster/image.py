"""Small images without a builder: a tar of a few files, in the form of `docker save`."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack import programs

PAUSE = "localhost/pause:1"
BUSYBOX = "localhost/busybox:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_busybox(path: Path) -> None:
    """Debian's busybox-static as two images: a base for tests, and the pause of every pod."""
    endless = ["/bin/sleep", "2147483647"]
    write(path, busybox_layer(), {BUSYBOX: ["/bin/sh"], PAUSE: endless})


def busybox() -> str:
    """Path of a busybox that needs no library, '' where there is none."""
    path = programs.find("busybox")
    return path if path and b"/ld-linux" not in Path(path).read_bytes()[:4096] else ""


def write(path: Path, layer: bytes, images: dict[str, Sequence[str]]) -> None:
    """Write images that share one layer, each with its command."""
    digest = hashlib.sha256(layer).hexdigest()
    manifest = []
    with tarfile.open(path, "w") as archive:
        _add(archive, f"{digest}.tar", layer)
        for tag, command in images.items():
            config = json.dumps(_config(digest, command)).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, name, config)
            manifest.append({"Config": name, "RepoTags": [tag], "Layers": [f"{digest}.tar"]})
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _config(digest: str, command: Sequence[str]) -> dict[str, object]:
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": list(command)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }


def busybox_layer() -> bytes:
    """A file system with busybox under all of its names."""
    program = busybox()
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True)
    applets = listed.stdout.split()
    with _in_memory() as (archive, buffer):
        _add(archive, "bin/busybox", Path(program).read_bytes(), 0o755)
        for name in applets:
            if name != "busybox":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
        for name in ("tmp", "etc", "var"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(folder)
    return buffer.getvalue()


@contextmanager
def _in_memory() -> Iterator[tuple[tarfile.TarFile, io.BytesIO]]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        yield archive, buffer


def _add(archive: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))
