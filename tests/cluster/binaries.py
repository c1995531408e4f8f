"""The programs of a cluster, built once from the Go modules in binaries/ and kept in the cache.

Everything of Kubernetes, kubectl and CoreDNS is one module, so that what they share is compiled
once; containerd, whose dependencies clash with it, is a second one. A cache folder is named after
the checksum of the module and the flags: a change builds anew, and nothing else does.
"""

import hashlib
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import go
from tests.cluster.errors import ClusterError
from tests.stack import install

SOURCES = Path(__file__).parent / "binaries"
KUBERNETES, CONTAINERD = "v1.36.3", "v2.1.4"
VERSION = "k8s.io/component-base/version"
LEAN = ("-trimpath", "-buildvcs=false", "-mod=readonly", "-gcflags=all=-dwarf=false")


@dataclass(frozen=True)
class Module:
    """A Go module in binaries/, its programs (name: package) and what `go build` is told."""

    name: str
    packages: dict[str, str]
    flags: tuple[str, ...]

    @property
    def source(self) -> Path:
        """Its folder in the repository."""
        return SOURCES / self.name

    @property
    def folder(self) -> Path:
        """Where its programs are, once built."""
        files = sorted(p for p in self.source.rglob("*") if p.suffix in (".mod", ".sum", ".go"))
        told = b"\0".join(path.read_bytes() for path in files) + "\0".join(self.flags).encode()
        return install.cache() / f"k8s-{self.name}-{hashlib.sha256(told).hexdigest()[:12]}"


MODULES = (
    Module(
        "kubernetes",
        {
            "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
            "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
            "kubectl": "k8s.io/kubernetes/cmd/kubectl",
            "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
            "kubelet": "k8s.io/kubernetes/cmd/kubelet",
            "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
            "coredns": "./coredns",
        },
        (
            *LEAN,
            # without it clients are told v0.0.0
            f"-ldflags=-s -w -X {VERSION}.gitVersion={KUBERNETES} "
            f"-X {VERSION}.gitMajor=1 -X {VERSION}.gitMinor=36",
        ),
    ),
    Module(
        "containerd",
        {
            name: f"github.com/containerd/containerd/v2/cmd/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
        (
            *LEAN,
            "-tags=no_btrfs,no_zfs,no_aufs,no_devmapper",
            f"-ldflags=-s -w -X github.com/containerd/containerd/v2/version.Version={CONTAINERD}",
        ),
    ),
)

LIGHT = ("kube-apiserver", "kube-controller-manager", "kubectl")
FULL = tuple(name for module in MODULES for name in module.packages)


def program(name: str) -> Path:
    """Path of a program; ClusterError while it is not built."""
    path = _module(name).folder / name
    if not path.exists():
        raise ClusterError(f"{name} is not built yet: run `make cluster` or `make test` first.")
    return path


def build(names: Iterable[str]) -> None:
    """Build what is missing of the named programs; a second caller waits for the first."""
    wanted = list(names)
    if all((_module(name).folder / name).exists() for name in wanted):
        return
    with install.only_one(install.cache() / "k8s.lock"):
        for module in MODULES:
            missing = [
                n for n in wanted if n in module.packages and not (module.folder / n).exists()
            ]
            if missing:
                _build(module, missing)
        if all((_module(name).folder / name).exists() for name in FULL):
            go.tidy(go.find())


def _module(name: str) -> Module:
    return next(module for module in MODULES if name in module.packages)


def _build(module: Module, names: list[str]) -> None:
    compiler = go.find()
    begun = time.monotonic()
    install.say(f"building {', '.join(names)} (Go; minutes, once) ...")
    fresh = module.folder.with_name(module.folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    packages = [module.packages[name] for name in names]
    install.run_logged(
        [str(compiler), "build", *module.flags, "-o", f"{fresh}/", *packages],
        f"Go could not build {', '.join(names)}",
        "check the network (Go module proxy) and the disk, then run this again",
        cwd=module.source,
        env=go.environment(compiler),
    )
    module.folder.mkdir(exist_ok=True)
    for name in names:
        (fresh / name).rename(module.folder / name)
    fresh.rmdir()
    install.say(f"built in {time.monotonic() - begun:.0f} s")
