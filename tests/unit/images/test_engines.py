"""What docker and buildah are told, and when an image is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services import __version__
from tests.images import base, build, engines
from tests.images.build import MADE_OF
from tests.images.engines import Recipe
from tests.images.source import DOCKERFILE, TARGETS
from tests.stack.config import REPO


@dataclass
class Store:
    """An engine that keeps labels of what it is told to build."""

    name: str = "store"
    reason: str = ""
    built: list[Recipe] = field(default_factory=list)
    images: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def reason_not_pulled(self, image: str) -> str:
        return self.reason

    def import_root(self, tar: Path, image: str) -> None:
        self.images[image] = {}

    def build(self, recipe: Recipe) -> None:
        self.built.append(recipe)
        self.images |= dict.fromkeys(recipe.names, recipe.labels)

    def identity(self, image: str) -> tuple[str, Mapping[str, str]]:
        return (f"id of {image}", self.images[image]) if image in self.images else ("", {})

    def save(self, image: str, name: str, tar: Path) -> None:
        tar.write_text(image)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    """The engine of this test, with a cache folder of its own."""
    made = Store()
    monkeypatch.setattr(engines, "choose", lambda: made)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return made


def test_a_recipe_names_target_arguments_labels_and_names() -> None:
    words = Recipe("api", ("a:1", "a:dev"), {"BASE": "b"}, {"l": "1"}).options()
    said = " ".join(words)
    assert said.startswith(f"-f {DOCKERFILE} --target api --build-arg BASE=b --label l=1")
    assert said.endswith(f"-t a:1 -t a:dev {REPO}")


def test_pip_of_the_build_reads_what_pip_here_reads(tmp_path: Path) -> None:
    own, system, certificates = tmp_path / "own", tmp_path / "system", tmp_path / "certificates"
    system.touch()
    assert engines.secrets((own, system), certificates) == {"pip": system}
    own.touch()
    certificates.touch()
    found = engines.secrets((own, system), certificates)
    assert found == {"pip": own, "certificates": certificates}


def test_the_first_call_builds_every_image(store: Store) -> None:
    images = build.build()
    assert {recipe.target for recipe in store.built} == set(TARGETS)
    assert [image.name for image in images] == [f"localhost/ucc-intel/{t}:dev" for t in TARGETS]


def test_the_second_call_builds_nothing(store: Store) -> None:
    build.build()
    store.built.clear()
    assert all(image.id for image in build.build())
    assert store.built == []


def test_only_the_image_that_is_missing_is_built(store: Store) -> None:
    build.build()
    store.built.clear()
    del store.images["localhost/ucc-intel/worker:dev"]
    build.build()
    assert [recipe.target for recipe in store.built] == ["worker"]


def test_another_base_builds_all_anew(store: Store) -> None:
    build.build()
    store.built.clear()
    build.build(wanted="mirror.example/python:3.13")
    assert len(store.built) == len(TARGETS)
    assert {r.arguments["BASE"] for r in store.built} == {"mirror.example/python:3.13"}


def test_what_an_image_was_made_of_stands_in_a_label(store: Store) -> None:
    build.build(["api"])
    labels = store.images["localhost/ucc-intel/api:dev"]
    assert MADE_OF in labels
    assert labels["org.opencontainers.image.version"] == __version__


def test_an_archive_takes_the_place_of_the_one_before(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "tars"
    folder.mkdir()
    (folder / "api-000000000000.tar").touch()
    made = build.archives(folder, ["api"])
    assert list(folder.iterdir()) == [made["api"]]


def test_a_base_that_can_be_pulled_is_taken(store: Store) -> None:
    assert base.get(store) == base.DEFAULT


def test_without_a_registry_a_base_is_made_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.reason = "no such host"
    made: list[Path] = []

    def make(root: Path) -> None:
        root.touch()
        made.append(root)

    monkeypatch.setattr(base, "_make", make)
    first, second = base.get(store), base.get(store)
    assert first == second
    assert first.startswith("localhost/ucc-intel/base:")
    assert len(made) == 1


def test_a_base_that_is_asked_for_is_never_replaced(store: Store) -> None:
    store.reason = "no such host"
    assert base.get(store, "mine:1") == "mine:1"
