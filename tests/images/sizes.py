"""What an image weighs, unpacked and as a registry keeps it, layer by layer."""

import json
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.install import cache

CHUNK = 1 << 20
MB = 1_000_000


@dataclass(frozen=True)
class Layer:
    """Bytes of one layer."""

    unpacked: int
    compressed: int


def weigh(image: str, archive: Callable[[], Path]) -> list[Layer]:
    """The layers of an image by its id, lowest first.

    Of an image that is new here the docker-archive is read; a layer is compressed once for all.
    """
    layers = cache() / "image-layers"
    known = layers / f"{image}.json"
    if not known.exists():
        layers.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps(_read(archive(), layers)))
    return [_layer(layers, digest) for digest in json.loads(known.read_text())]


def _layer(layers: Path, digest: str) -> Layer:
    return Layer(**json.loads((layers / digest).read_text()))


def _read(archive: Path, layers: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        (manifest,) = _json(tar, "manifest.json")
        digests: list[str] = _json(tar, manifest["Config"])["rootfs"]["diff_ids"]
        for digest, name in zip(digests, manifest["Layers"], strict=True):
            if not (layers / digest).exists():
                (layers / digest).write_text(json.dumps(_measure(tar, name)))
    return digests


def _measure(tar: tarfile.TarFile, name: str) -> dict[str, int]:
    content = tar.extractfile(name)
    assert content
    squeeze = zlib.compressobj(6)
    unpacked = compressed = 0
    while chunk := content.read(CHUNK):
        unpacked += len(chunk)
        compressed += len(squeeze.compress(chunk))
    return {"unpacked": unpacked, "compressed": compressed + len(squeeze.flush())}


def _json(tar: tarfile.TarFile, name: str) -> Any:
    content = tar.extractfile(name)
    assert content
    return json.load(content)
