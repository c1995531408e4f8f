"""What an image holds, by its list of files."""

import re
import stat
from pathlib import Path

import pytest

from services import __version__
from tests.images import build
from tests.images.source import TARGETS, Source
from tests.images.unpacked import Unpacked

MB = 1_000_000
# Caps a little above what each weighed when it was last looked at (CONTRIBUTING.md, "Images").
CAPS = {"api": 125, "worker": 137, "operator": 135}
PROGRAMS = "gcc cc c++ cpp ld as make strip pip pip3 apt apt-get dpkg perl bash curl wget su mount"
OURS = {
    "api": "common jobs prospects sample_register",
    "worker": "common jobs pipelines",
    "operator": "common",
}
SECRET = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{40}")


def names(image: Unpacked) -> list[str]:
    """Every path of the image."""
    return [str(path) for path in image.files()]


def modes(image: Unpacked) -> dict[str, int]:
    """Mode of every file and folder, links left out."""
    found = {str(path): (image.root / path).lstat().st_mode for path in image.files()}
    return {name: mode for name, mode in found.items() if not stat.S_ISLNK(mode)}


def test_an_image_says_what_it_is(source: Source, image: Unpacked) -> None:
    labels = image.labels
    assert labels["title"].startswith("ucc-intel ")
    assert labels["version"] == __version__
    assert labels["revision"] == source.revision
    assert labels["created"] == source.created
    assert labels["licenses"] == "Apache-2.0"


def test_the_user_is_a_number_other_than_root(image: Unpacked) -> None:
    assert image.config["User"] == "10001:10001"


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_stays_small(unpacked: dict[str, Unpacked], target: str) -> None:
    image = unpacked[target]
    sizes = ((image.root / path).lstat() for path in image.files())
    files = {status.st_ino: status.st_size for status in sizes if stat.S_ISREG(status.st_mode)}
    assert sum(files.values()) / MB < CAPS[target]


def test_no_program_of_building_or_installing_is_left(image: Unpacked) -> None:
    programs = {Path(name).name for name in names(image) if "/bin/" in name or "/sbin/" in name}
    assert programs.isdisjoint(PROGRAMS.split())
    assert not [n for n in names(image) if re.search(r"/(pip|setuptools|ensurepip)(/|-|$)", n)]


def test_no_test_document_or_history_is_inside(image: Unpacked) -> None:
    found = re.compile(r"(^|/)(tests?|\.git|\.github|requirements|Dockerfile)(/|$)")
    installed = [name for name in names(image) if name.startswith(("app/", "opt/"))]
    assert [name for name in installed if found.search(name)] == []
    assert [n for n in installed if n.startswith("app/") and n.endswith((".md", ".sh"))] == []


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_only_its_own_packages(unpacked: dict[str, Unpacked], target: str) -> None:
    root = unpacked[target].root / "app"
    held = {path.name for path in (root / "services").iterdir() if path.is_dir()}
    assert held - {"__pycache__"} == set(OURS[target].split())
    operators = {"operators"} if target == "operator" else set()
    assert {path.name for path in root.iterdir()} == {"services", "migrations", *operators}


def test_no_secret_is_inside(image: Unpacked) -> None:
    files = [p for p in image.files() if (image.root / p).is_file() and p.parts[0] != "proc"]
    assert [p for p in files if p.name in (".env", "secrets.json", "id_rsa", "pip.conf")] == []
    small = [p for p in files if (image.root / p).stat().st_size < MB]
    assert [p for p in small if SECRET.search((image.root / p).read_bytes())] == []


def test_nobody_may_write_but_to_tmp(image: Unpacked) -> None:
    open_to_all = [
        n for n, mode in modes(image).items() if mode & 0o002 and not n.startswith("dev")
    ]
    assert open_to_all == ["tmp"]
    assert [p for p in image.files() if (image.root / p).lstat().st_uid != 0] == []


def test_no_file_lends_the_rights_of_its_owner(image: Unpacked) -> None:
    assert [n for n, mode in modes(image).items() if mode & 0o6000 and not stat.S_ISDIR(mode)] == []


def test_every_module_is_compiled_and_asks_for_no_time(image: Unpacked) -> None:
    ours = ("app/", "opt/", "usr/lib/python3.13/", "usr/local/lib/python3.13/")
    sources = [p for p in image.files() if p.suffix == ".py" and str(p).startswith(ours)]
    compiled = [p.parent / "__pycache__" / f"{p.stem}.cpython-313.pyc" for p in sources]
    assert len(sources) > 500
    flags = {(image.root / path).read_bytes()[4:8] for path in compiled}
    assert flags == {b"\x01\0\0\0"}  # by hash, not looked at again


def test_images_share_all_that_is_below_their_packages(unpacked: dict[str, Unpacked]) -> None:
    assert len({image.layers[0] for image in unpacked.values()}) == 1
    # a fourth one is empty: buildah carries new labels by it where all else is from the cache
    assert {len(image.layers) for image in unpacked.values()} <= {3, 4}


def test_an_image_whose_files_did_not_change_stays() -> None:
    assert [image.id for image in build.build()] == [image.id for image in build.build()]
