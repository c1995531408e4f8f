"""Builds the images whose files or base changed since, and hands them out.

An image says in a label what it was made of, so a call that has nothing to do costs a second.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.images import base, engines
from tests.images.engines import Engine, Recipe
from tests.images.source import TARGETS, Source
from tests.stack.install import cache, only_one, say

MADE_OF = "io.ucc-intel.made-of"


@dataclass(frozen=True)
class Image:
    """An image in the engine's store; names may move on to another, the id does not."""

    target: str
    id: str
    version: str

    @property
    def name(self) -> str:
        """What a pod asks for."""
        return f"localhost/ucc-intel/{self.target}:dev"


def build(targets: Sequence[str] = TARGETS, *, wanted: str = "", url: str = "") -> list[Image]:
    """The images, built where they are missing or not of the present files."""
    engine = engines.choose()
    with only_one(cache() / "images.lock"):
        return _build(engine, Source.now(), targets, wanted, url)


def archives(folder: Path, targets: Sequence[str] = TARGETS) -> dict[str, Path]:
    """A docker-archive of each image in `folder`, for `ctr images import` or `docker load`."""
    return {image.target: archive(image, folder) for image in build(targets)}


def archive(image: Image, folder: Path) -> Path:
    """A docker-archive of one image in `folder`, in place of older ones of the same target."""
    tar = folder / f"{image.target}-{image.id[:12]}.tar"
    if not tar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{image.target}-*.tar"):
            old.unlink()
        fresh = tar.with_suffix(".new")
        engines.choose().save(image.id, image.name, fresh)
        fresh.replace(tar)
    return tar


def _build(
    engine: Engine, source: Source, targets: Sequence[str], wanted: str, url: str
) -> list[Image]:
    bottom = base.get(engine, wanted)
    labels = source.labels(url)
    told = [source.digest, bottom, engine.identity(bottom)[0], *labels.values()]
    made_of = hashlib.sha256("\n".join(told).encode()).hexdigest()
    names = {t: (_name(t, source.version), _name(t, "dev")) for t in targets}
    stale = [t for t in targets if engine.identity(names[t][1])[1].get(MADE_OF) != made_of]
    labels[MADE_OF] = made_of
    recipes = [Recipe(t, names[t], {"BASE": bottom}, labels) for t in stale]
    if recipes:
        say(f"building {', '.join(stale)} on {bottom} with {engine.name} ...")
        engine.build(recipes[0])  # alone: it brings the stages that all share
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(engine.build, recipes[1:]))
    return [Image(t, engine.identity(names[t][1])[0], source.version) for t in targets]


def _name(target: str, tag: str) -> str:
    return f"localhost/ucc-intel/{target}:{tag}"
