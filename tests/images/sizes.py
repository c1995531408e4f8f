"""What an image weighs, unpacked and as a registry keeps it, layer by layer."""

import json
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.stack.install import cache

CHUNK = 1 << 20
MB = 1_000_000


@dataclass(frozen=True)
class Layer:
    """Bytes of one layer."""

    unpacked: int
    compressed: int


def weigh(image: str, archive: Callable[[], Path]) -> list[Layer]:
    """The layers of an image, lowest first, read from its docker-archive once for each id."""
    known = cache() / "image-sizes" / f"{image}.json"
    if not known.exists():
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(json.dumps([vars(layer) for layer in _read(archive())]))
    return [Layer(**row) for row in json.loads(known.read_text())]


def _read(archive: Path) -> list[Layer]:
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest
        return [_layer(tar, name) for name in json.load(manifest)[0]["Layers"]]


def _layer(tar: tarfile.TarFile, name: str) -> Layer:
    content = tar.extractfile(name)
    assert content
    squeeze = zlib.compressobj(6)
    unpacked = compressed = 0
    while chunk := content.read(CHUNK):
        unpacked += len(chunk)
        compressed += len(squeeze.compress(chunk))
    return Layer(unpacked, compressed + len(squeeze.flush()))
