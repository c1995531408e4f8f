"""What is built, and when it is built anew."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import binaries
from tests.cluster.binaries import MODULES, SOURCES
from tests.cluster.errors import ClusterError


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_the_module_requires_the_version_that_is_told() -> None:
    required = (SOURCES / "kubernetes" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {binaries.KUBERNETES}" in required


def test_the_light_form_needs_a_part_of_what_is_built() -> None:
    assert set(binaries.LIGHT) < set(binaries.FULL)


def test_other_flags_are_built_anew() -> None:
    module = MODULES[0]
    assert replace(module, flags=(*module.flags, "-v")).folder != module.folder


def test_a_changed_source_is_built_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module, before = MODULES[0], MODULES[0].folder
    shutil.copytree(SOURCES, tmp_path / "sources")
    monkeypatch.setattr(binaries, "SOURCES", tmp_path / "sources")
    assert module.folder == before
    with (module.source / "go.sum").open("a") as file:
        file.write("\n")
    assert module.folder != before


def test_a_program_that_is_not_built_says_how_to_build_it() -> None:
    with pytest.raises(ClusterError, match="make cluster"):
        binaries.program("kubectl")


def test_nothing_is_built_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in binaries.LIGHT:
        path = MODULES[0].folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.setattr(binaries, "_build", lambda *_: pytest.fail("built again"))
    binaries.build(binaries.LIGHT)
