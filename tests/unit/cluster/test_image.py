"""Images that are written without a builder."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import image
from tests.stack import programs


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "images.tar"
    image.write(path, b"the layer", {"localhost/a:1": ["/bin/a", "-x"], "localhost/b:1": ["/b"]})
    return path


def read(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as opened:
        member = opened.extractfile(name)
        assert member is not None
        return member.read()


def test_each_image_has_its_name_and_command(archive: Path) -> None:
    manifest = json.loads(read(archive, "manifest.json"))
    commands = {
        entry["RepoTags"][0]: json.loads(read(archive, entry["Config"]))["config"]["Cmd"]
        for entry in manifest
    }
    assert commands == {"localhost/a:1": ["/bin/a", "-x"], "localhost/b:1": ["/b"]}


def test_layers_are_named_by_their_content(archive: Path) -> None:
    digest = hashlib.sha256(b"the layer").hexdigest()
    for entry in json.loads(read(archive, "manifest.json")):
        assert [read(archive, name) for name in entry["Layers"]] == [b"the layer"]
        config = json.loads(read(archive, entry["Config"]))
        assert config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_a_busybox_that_needs_libraries_does_not_serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dynamic = tmp_path / "busybox"
    dynamic.write_bytes(b"\x7fELF....../lib64/ld-linux-x86-64.so.2")
    monkeypatch.setattr(programs, "find", lambda _: str(dynamic))
    assert image.busybox() == ""
    dynamic.write_bytes(b"\x7fELF......")
    assert image.busybox() == str(dynamic)
