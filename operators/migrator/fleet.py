"""The versions that Deployments run, as contract migrations wait for them: pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from operators.migrator.spec import APP_VERSION

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
UNKNOWN = "0.0.0"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A Deployment and the lowest version that may still run of it; UNKNOWN while it rolls."""

    name: str
    version: str


def read(deployments: Iterable[Mapping[str, Any]]) -> tuple[Deployed, ...]:
    """All Deployments with our label, by name."""
    found = (Deployed(d["metadata"]["name"], _reported(d)) for d in deployments)
    return tuple(sorted(found, key=lambda d: d.name))


def lowest(fleet: Iterable[Deployed]) -> str | None:
    """The lowest version of all; None where nothing is deployed, so nothing has to wait."""
    return min((d.version for d in fleet), key=_parts, default=None)


def behind(fleet: Iterable[Deployed], version: str) -> list[Deployed]:
    """Those that do not run at least `version`."""
    return [d for d in fleet if _parts(d.version) < _parts(version)]


def _reported(deployment: Mapping[str, Any]) -> str:
    spec, status = deployment["spec"], deployment.get("status", {})
    labels = spec["template"]["metadata"].get("labels") or {}
    version = _VERSION.match(labels.get(APP_VERSION, ""))
    wanted = spec.get("replicas", 1)
    settled = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    counts = (status.get(k, 0) for k in ("replicas", "updatedReplicas", "availableReplicas"))
    # pods on their way out still run the old release; Kubernetes tells them apart since 1.35
    leaving = status.get("terminatingReplicas", 0)
    if version is None or not settled or leaving or any(count != wanted for count in counts):
        return UNKNOWN
    return ".".join(version.groups())


def _parts(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    return tuple(map(int, found.groups())) if found else (0, 0, 0)
