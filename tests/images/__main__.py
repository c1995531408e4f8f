"""`python -m tests.images [TARGET...]`: the container images, behind `make images`."""

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.images import build, sizes
from tests.images.build import Image
from tests.images.sizes import Layer
from tests.images.source import TARGETS
from tests.stack.errors import StackError, exit_by


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.images", description=__doc__)
    top.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    top.add_argument("--base", default="", help="build on this image instead of the default")
    top.add_argument("--tars", type=Path, help="also write a docker-archive of each to this folder")
    top.add_argument(
        "--source-url", default="", help="for the label org.opencontainers.image.source"
    )
    return top


def main() -> int:
    """Build, weigh, show."""
    options = parser().parse_args()
    unknown = set(options.targets) - set(TARGETS)
    if unknown:
        raise StackError(f"no image {', '.join(unknown)}: there are {', '.join(TARGETS)}.")
    images = build.build(options.targets, wanted=options.base, url=options.source_url)
    with tempfile.TemporaryDirectory() as scratch:
        for image in images:
            folder = options.tars or Path(scratch)
            if options.tars:
                build.archive(image, folder)
            print(shown(image, sizes.weigh(image.id, partial(build.archive, image, folder))))
    return 0


def shown(image: Image, layers: Sequence[Layer]) -> str:
    """One line: name, id, sizes; the lowest layer is what all images share."""
    unpacked = [layer.unpacked / sizes.MB for layer in layers]
    compressed = [layer.compressed / sizes.MB for layer in layers]
    return (
        f"{image.name:<32} {image.id[:12]}  {sum(unpacked):4.0f} MB, {sum(compressed):3.0f} MB "
        f"compressed; of these all share {unpacked[0]:.0f} and {compressed[0]:.0f}"
    )


if __name__ == "__main__":
    exit_by(main)
