"""Sizes of layers, read from a docker-archive."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.images.sizes import MB, weigh

LAYERS = {"a.tar": b"\0" * MB, "b.tar": b"some words"}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker-archive of two layers, and a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = {"rootfs": {"diff_ids": ["sha256:aa", "sha256:bb"]}}
    manifest = [{"Config": "c.json", "Layers": list(LAYERS)}]
    files = LAYERS | {
        "c.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_each_layer_is_weighed_lowest_first(archive: Path) -> None:
    zeros, words = weigh("one", lambda: archive)
    assert zeros.unpacked == MB
    assert zeros.compressed < MB / 500
    assert words.unpacked == 10


def test_an_image_that_was_weighed_needs_no_archive(archive: Path) -> None:
    first = weigh("one", lambda: archive)
    archive.unlink()
    assert weigh("one", lambda: archive) == first
