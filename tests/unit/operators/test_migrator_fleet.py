"""The versions that Deployments run."""

from typing import Any

import pytest

from operators.migrator.fleet import UNKNOWN, Deployed, behind, lowest, read


def deployment(version: str | None = "1.2.0", replicas: int = 2, **status: int) -> dict[str, Any]:
    labels = {"ucc-intel.io/version": version} if version else {"app": "x"}
    counts = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return {
        "metadata": {"name": "api", "generation": 4},
        "spec": {"replicas": replicas, "template": {"metadata": {"labels": labels}}},
        "status": {"observedGeneration": 4, **counts, **status},
    }


@pytest.mark.parametrize(
    ("found", "version"),
    [
        (deployment(), "1.2.0"),
        (deployment("v1.2.3"), "1.2.3"),
        (deployment("1.2.0-rc.1"), "1.2.0"),
        (deployment(None), UNKNOWN),
        (deployment("latest"), UNKNOWN),
        (deployment(observedGeneration=3), UNKNOWN),
        (deployment(replicas=2, updatedReplicas=1), UNKNOWN),
        (deployment(availableReplicas=1), UNKNOWN),
        (deployment(terminatingReplicas=1), UNKNOWN),
        (deployment() | {"status": {"observedGeneration": 4, "replicas": 3}}, UNKNOWN),
        (deployment(replicas=0) | {"status": {"observedGeneration": 4}}, "1.2.0"),
    ],
)
def test_a_deployment_reports_a_version_when_its_rollout_is_over(
    found: dict[str, Any], version: str
) -> None:
    assert read([found]) == (Deployed("api", version),)


def test_versions_are_numbers_not_text() -> None:
    fleet = [Deployed("a", "1.10.0"), Deployed("b", "1.9.3")]
    assert lowest(fleet) == "1.9.3"
    assert behind(fleet, "1.10.0") == [fleet[1]]
    assert lowest([]) is None
