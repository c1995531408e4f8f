"""The Job of an attempt."""

import json
import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operators.migrator.job import Launch, Owner, arguments, manifest, name_of, round_of
from tests.unit.operators.looks import OWNER, ROUND, image, spec

LAUNCH = Launch(ROUND, 1, "up", None)
DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
NAMES = st.from_regex(r"\A[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?\Z")


def made(launch: Launch = LAUNCH, **wishes: Any) -> dict[str, Any]:
    return manifest(OWNER, spec(**wishes), launch, "registry.example/runner:1", "INFO")


def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def environment(job: dict[str, Any]) -> dict[str, Any]:
    return {e["name"]: e.get("value", e.get("valueFrom")) for e in container(job)["env"]}


@given(NAMES, st.integers(1, 10**6), st.integers(1, 9999))
def test_a_name_fits_whatever_the_resource_is_called(name: str, generation: int, n: int) -> None:
    owner = Owner("team", name, "uid", generation)
    job = name_of(owner, replace(LAUNCH, attempt=n))
    assert DNS.fullmatch(job) and len(job) <= 63
    assert f"-g{generation}-a{n}-" in job
    assert len(owner.label) <= 63 and re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", owner.label)


def test_the_same_inputs_make_the_same_name_and_others_another() -> None:
    assert name_of(OWNER, LAUNCH) == name_of(OWNER, replace(LAUNCH))
    others = {
        name_of(OWNER, LAUNCH),
        name_of(OWNER, replace(LAUNCH, attempt=2)),
        name_of(OWNER, replace(LAUNCH, round="round0000002")),
        name_of(replace(OWNER, uid="another"), LAUNCH),
        name_of(replace(OWNER, generation=4), LAUNCH),
    }
    assert len(others) == 5


def test_a_round_changes_with_each_of_its_parts() -> None:
    rounds = {
        round_of(OWNER, "source", "token", "secret"),
        round_of(OWNER, "other", "token", "secret"),
        round_of(OWNER, "source", None, "secret"),
        round_of(OWNER, "source", "token", "secret2"),
        round_of(replace(OWNER, generation=4), "source", "token", "secret"),
    }
    assert len(rounds) == 5
    assert round_of(OWNER, "a", None) == round_of(OWNER, "a", None)


def test_kubernetes_never_retries_by_itself() -> None:
    job = made(timeouts={"overallSeconds": 77})
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (0, 77)
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert "livenessProbe" not in container(job)
    assert job["spec"]["ttlSecondsAfterFinished"] >= 86400


def test_the_pod_is_restricted() -> None:
    pod = made()["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    context = container(made())["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container(made())["resources"]["limits"]["memory"]


def test_a_config_map_is_mounted_and_run_by_the_operators_image() -> None:
    job = made()
    assert container(job)["image"] == "registry.example/runner:1"
    assert container(job)["args"] == [
        "--dir",
        "/migrations",
        "up",
        "--report",
        "/dev/termination-log",
    ]
    mounts = {m["name"]: m for m in container(job)["volumeMounts"]}
    assert mounts["files"] == {"name": "files", "mountPath": "/migrations", "readOnly": True}
    volumes = {v["name"]: v for v in job["spec"]["template"]["spec"]["volumes"]}
    assert volumes["files"]["configMap"] == {"name": "files"}


def test_an_image_brings_its_own_files() -> None:
    job = made(**image())
    assert container(job)["image"] == "registry.example/app:1"
    assert "--dir" not in container(job)["args"]
    assert [v["name"] for v in job["spec"]["template"]["spec"]["volumes"]] == ["tmp"]


def test_the_arguments_of_each_mode() -> None:
    plain, back = spec(**image()), spec(**image(rollback={"toVersion": 2}))
    report = ["--report", "/dev/termination-log"]
    up = Launch(ROUND, 1, "up", 7, "1.2.0")
    assert arguments(plain, up) == ["up", "--to", "7", "--app-version", "1.2.0", *report]
    assert arguments(back, Launch(ROUND, 1, "down", 2, "1.2.0")) == ["down", "--to", "2", *report]
    assert arguments(plain, Launch(ROUND, 1, "plan", 7)) == ["plan", "--to", "7", *report]
    assert arguments(back, Launch(ROUND, 1, "plan", 2)) == ["plan", "--rollback-to", "2", *report]


def test_the_dsn_comes_from_the_secret_and_stands_nowhere_else() -> None:
    job = made(database={"secretRef": {"name": "dsn", "key": "URL"}})
    reference = {"secretKeyRef": {"name": "dsn", "key": "URL"}}
    assert environment(job)["DATABASE_DIRECT_URL"] == reference
    assert "postgres" not in json.dumps(job)


def test_limits_and_policy_go_by_the_environment() -> None:
    given = {"file": "0007_x.up.sql", "rule": "ban-drop-column", "reason": "Unused."}
    job = made(
        timeouts={"lockSeconds": 0.5, "statementSeconds": 30},
        retries={"lockRetries": 3},
        policy={"lint": "warn", "exceptions": [given], "allowDestructive": True},
    )
    found = environment(job)
    assert found["MIGRATION_LOCK_TIMEOUT_S"] == "0.5"
    assert found["MIGRATION_STATEMENT_TIMEOUT_S"] == "30"
    assert found["MIGRATION_LOCK_RETRIES"] == "3"
    assert json.loads(found["MIGRATION_POLICY"]) == {
        "lint": "warn",
        "exceptions": [given],
        "allow_destructive": True,
    }


def test_the_longest_policy_of_the_crd_is_a_variable_that_linux_takes() -> None:
    long = {"file": f"0007_{'x' * 241}.up.sql", "rule": "r" * 100, "reason": "ä€😀" * 333}
    found = environment(made(policy={"exceptions": [long] * 100}))["MIGRATION_POLICY"]
    assert len(f"MIGRATION_POLICY={found}".encode()) < 128 * 1024
    assert len(json.loads(found)["exceptions"]) == 100


def test_the_job_belongs_to_its_resource() -> None:
    meta = made()["metadata"]
    (owner,) = meta["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
        OWNER.uid,
        True,
        True,
    )
    assert meta["labels"]["ucc-intel.io/schemamigration"] == "orders"
    notes = meta["annotations"]
    assert notes["ucc-intel.io/generation"] == "3" and notes["ucc-intel.io/attempt"] == "1"


def test_what_may_be_chosen_of_the_pod_is_taken_over() -> None:
    chosen: dict[str, Any] = {
        "resources": {"limits": {"memory": "1Gi"}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "db", "operator": "Exists"}],
        "serviceAccountName": "runner",
        "imagePullSecrets": [{"name": "registry"}],
        "imagePullPolicy": "Never",
    }
    job = made(job=chosen)
    pod = job["spec"]["template"]["spec"]
    assert container(job)["resources"] == chosen.pop("resources")
    assert container(job)["imagePullPolicy"] == chosen.pop("imagePullPolicy")
    assert {key: pod[key] for key in chosen} == chosen
