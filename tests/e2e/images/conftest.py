"""The images of the present files, built where they are stale, and unpacked."""

import pytest

from tests.images import build
from tests.images.source import TARGETS, Source
from tests.images.unpacked import Unpacked


@pytest.fixture(scope="session")
def source() -> Source:
    """What the images are built of."""
    return Source.now()


@pytest.fixture(scope="session")
def unpacked(source: Source, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Unpacked]:
    """Each image by its target."""
    folder = tmp_path_factory.mktemp("images")
    archives = build.archives(folder)
    return {target: Unpacked.of(tar, folder / target) for target, tar in archives.items()}


@pytest.fixture(params=TARGETS)
def image(request: pytest.FixtureRequest, unpacked: dict[str, Unpacked]) -> Unpacked:
    """One image after the other."""
    return unpacked[request.param]


@pytest.fixture
def api(unpacked: dict[str, Unpacked]) -> Unpacked:
    """The image of the HTTP services."""
    return unpacked["api"]


@pytest.fixture
def operator(unpacked: dict[str, Unpacked]) -> Unpacked:
    """The image of the migrator, which also runs migrations."""
    return unpacked["operator"]
