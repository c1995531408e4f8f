"""The install manifests: one operator, restricted, with the rights it uses and no other."""

from pathlib import Path
from typing import Any

import pytest
import yaml

INSTALL = Path(__file__).parents[3] / "operators" / "install"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((INSTALL / f"{name}.yaml").read_text()))


def rights() -> dict[str, set[str]]:
    (role,) = [d for d in documents("rbac") if d["kind"] == "ClusterRole"]
    found: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found[f"{resource}.{group}".rstrip(".")] = set(rule["verbs"])
    return found


def test_the_rights_are_these() -> None:
    assert rights() == {
        "schemamigrations.ucc-intel.io": {"get", "list", "watch", "patch"},
        "schemamigrations/status.ucc-intel.io": {"patch"},
        "schemamigrations/finalizers.ucc-intel.io": {"update"},
        "jobs.batch": {"get", "list", "watch", "create", "delete"},
        "pods": {"get", "list"},
        "pods/log": {"get"},
        "secrets": {"get"},
        "configmaps": {"get"},
        "deployments.apps": {"get", "list", "watch"},
        "events.events.k8s.io": {"create", "list"},
    }


@pytest.mark.parametrize("name", ["all-namespaces", "one-namespace"])
def test_each_binding_gives_these_rights_to_the_account(name: str) -> None:
    (binding,) = documents(name)
    account, role = documents("rbac")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    place = {key: account["metadata"][key] for key in ("name", "namespace")}
    assert binding["subjects"] == [{"kind": "ServiceAccount", **place}]


@pytest.fixture
def deployment() -> dict[str, Any]:
    (found,) = documents("deployment")
    return found


def test_there_is_one_operator_at_a_time(deployment: dict[str, Any]) -> None:
    spec = deployment["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_its_pod_is_restricted(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]) == {"requests", "limits"}


def test_the_namespace_grants_its_priority(deployment: dict[str, Any]) -> None:
    namespace, quota = documents("namespace")
    assert quota["metadata"]["namespace"] == namespace["metadata"]["name"]
    (granted,) = quota["spec"]["scopeSelector"]["matchExpressions"]
    priority = deployment["spec"]["template"]["spec"]["priorityClassName"]
    assert (granted["scopeName"], granted["values"]) == ("PriorityClass", [priority])


def test_liveness_asks_for_the_watch(deployment: dict[str, Any]) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": 8020}]


def test_the_files_of_config_maps_are_run_by_its_own_image(deployment: dict[str, Any]) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environment = {e["name"]: e["value"] for e in container["env"]}
    assert environment["MIGRATOR_IMAGE"] == container["image"]


def test_account_and_namespace_fit(deployment: dict[str, Any]) -> None:
    namespace, _ = documents("namespace")
    (account,) = [d for d in documents("rbac") if d["kind"] == "ServiceAccount"]
    place = namespace["metadata"]["name"]
    assert deployment["metadata"]["namespace"] == account["metadata"]["namespace"] == place
    name = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    assert name == account["metadata"]["name"]
