"""The Job of one attempt, as the API server takes it: pure.

The same inputs make the same name, so creating it twice is harmless: by this operator after a
crash, or by a second one that was started by mistake.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from operators.migrator.spec import GROUP, KIND, VERSION, Spec
from operators.migrator.status import cut

MANAGED_BY, MANAGER = "app.kubernetes.io/managed-by", "ucc-intel-migrator"
OWNER = f"{GROUP}/schemamigration"
CONTAINER = "migrate"
DSN = "DATABASE_DIRECT_URL"
REPORT = "/dev/termination-log"
FILES = "/migrations"
KEEP_S = 24 * 3600
RUNNER_WAIT_S = 10
REASON_CHARS = 150
"""Of each exception: Linux starts nothing with a variable of more than 128 KiB."""
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "128Mi"},
    "limits": {"memory": "512Mi"},
}
Mode = Literal["up", "down", "plan"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource an attempt is for."""

    namespace: str
    name: str
    uid: str
    generation: int

    @property
    def label(self) -> str:
        """Its name as a label's value (63 characters at most)."""
        if len(self.name) <= 63:
            return self.name
        return f"{self.name[:50].rstrip('-.')}-{_short(self.name, 12)}"

    @property
    def selector(self) -> dict[str, str]:
        """Labels of its Jobs and of their pods."""
        return {MANAGED_BY: MANAGER, OWNER: self.label}


@dataclass(frozen=True, slots=True)
class Launch:
    """An attempt to be started."""

    round: str
    attempt: int
    mode: Mode
    to: int | None
    app_version: str | None = None


def round_of(owner: Owner, *parts: str | None) -> str:
    """What attempts are counted in: the generation and the state of all that is read with it."""
    return _short("\n".join([owner.uid, str(owner.generation), *(p or "" for p in parts)]), 12)


def name_of(owner: Owner, launch: Launch) -> str:
    """The Job's name: resource, generation, attempt, and a hash of all that makes it the one."""
    head = owner.name[:40].replace(".", "-").strip("-")
    inputs = f"{owner.uid}\n{owner.generation}\n{launch.round}\n{launch.attempt}"
    return f"{head}-g{owner.generation}-a{launch.attempt}-{_short(inputs, 6)}"


def manifest(
    owner: Owner, spec: Spec, launch: Launch, image: str, log_level: str
) -> dict[str, Any]:
    """The Job; `image` runs the files of a ConfigMap."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name_of(owner, launch),
            "namespace": owner.namespace,
            "labels": owner.selector,
            "annotations": {
                f"{GROUP}/generation": str(owner.generation),
                f"{GROUP}/attempt": str(launch.attempt),
                f"{GROUP}/mode": launch.mode,
                f"{GROUP}/round": launch.round,
            },
            "ownerReferences": [_owner(owner)],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": spec.timeouts.overall_seconds,
            "ttlSecondsAfterFinished": KEEP_S,
            "template": {
                "metadata": {"labels": owner.selector},
                "spec": _pod(spec, launch, spec.source.image or image, log_level),
            },
        },
    }


def arguments(spec: Spec, launch: Launch) -> list[str]:
    """The runner's arguments."""
    args = ["--dir", FILES] if spec.source.config_map_ref else []
    args.append(launch.mode)
    if launch.to is not None:
        undoes = launch.mode == "plan" and spec.rollback is not None
        args += ["--rollback-to" if undoes else "--to", str(launch.to)]
    if launch.app_version is not None and launch.mode == "up":
        args += ["--app-version", launch.app_version]
    return [*args, "--report", REPORT]


def policy(spec: Spec) -> str:
    """MIGRATION_POLICY, as the runner reads it."""
    return json.dumps(
        {
            "lint": spec.policy.lint,
            "exceptions": [
                {**e.model_dump(), "reason": cut(e.reason, REASON_CHARS)}
                for e in spec.policy.exceptions
            ],
            "allow_destructive": spec.policy.allow_destructive,
        },
        ensure_ascii=False,
    )


def _owner(owner: Owner) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _pod(spec: Spec, launch: Launch, image: str, log_level: str) -> dict[str, Any]:
    chosen = spec.job
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    if ref := spec.source.config_map_ref:
        volumes.append({"name": "files", "configMap": {"name": ref.name}})
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "serviceAccountName": chosen.service_account_name,
        "imagePullSecrets": chosen.image_pull_secrets,
        "nodeSelector": chosen.node_selector,
        "tolerations": chosen.tolerations,
        "containers": [_container(spec, launch, image, log_level)],
        "volumes": volumes,
    }
    return {key: value for key, value in pod.items() if value is not None}


def _container(spec: Spec, launch: Launch, image: str, log_level: str) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "tmp", "mountPath": "/tmp"}]
    if spec.source.config_map_ref:
        mounts.append({"name": "files", "mountPath": FILES, "readOnly": True})
    container = {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": spec.job.image_pull_policy,
        "command": ["python", "-m", "migrations"],
        "args": arguments(spec, launch),
        "env": _environment(spec, log_level),
        "resources": spec.job.resources or _RESOURCES,
        "terminationMessagePath": REPORT,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
    return {key: value for key, value in container.items() if value is not None}


def _environment(spec: Spec, log_level: str) -> list[dict[str, Any]]:
    secret = spec.database.secret_ref
    limits, retries = spec.timeouts, spec.retries
    plain = {
        "LOG_LEVEL": log_level,
        "MIGRATION_LOCK_TIMEOUT_S": f"{limits.lock_seconds:g}",
        "MIGRATION_STATEMENT_TIMEOUT_S": f"{limits.statement_seconds:g}",
        "MIGRATION_LOCK_RETRIES": str(retries.lock_retries),
        "MIGRATION_RUNNER_WAIT_S": str(RUNNER_WAIT_S),
        "MIGRATION_POLICY": policy(spec),
    }
    dsn = {"name": DSN, "valueFrom": {"secretKeyRef": {"name": secret.name, "key": secret.key}}}
    return [dsn, *({"name": name, "value": value} for name, value in plain.items())]


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
