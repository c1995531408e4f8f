"""The narrow install: some namespaces only, and what the status says where a right is missing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.operator.conftest import MakeOperator
from tests.operator.files import table, tables
from tests.operator.light import INSTALL, Ring, account_of
from tests.operator.place import Place, condition, eventually
from tests.operator.processes import Operator

ACCOUNT = "narrow"


class Narrow:
    """A migrator's account without any right, in the namespace of the test."""

    def __init__(self, light: Ring, namespace: str, folder: Path) -> None:
        self.light = light
        self.namespace = namespace
        light.kubectl("create", "serviceaccount", ACCOUNT, "-n", namespace)
        self.kubeconfig = account_of(light.cluster, folder, ACCOUNT, namespace)
        self.subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
        self.who = f"system:serviceaccount:{namespace}:{ACCOUNT}"

    async def bind(self, namespace: str = "") -> None:
        """What `kubectl apply -n NAMESPACE -f one-namespace.yaml` does, for this account."""
        binding = yaml.safe_load((INSTALL / "one-namespace.yaml").read_text())
        binding["subjects"] = [self.subject]
        await asyncio.to_thread(self.light.kubectl.apply, binding, namespace or self.namespace)

    def may(self, *what: str) -> str:
        """`kubectl auth can-i`: yes or no."""
        return self.light.answer("auth", "can-i", *what, "--as", self.who)


@pytest.fixture
async def narrow(light: Ring, place: Place, tmp_path: Path) -> AsyncIterator[Narrow]:
    """The account, not bound yet."""
    yield Narrow(light, place.namespace, tmp_path)


async def test_a_role_binding_is_enough_and_opens_no_other_namespace(
    place: Place, narrow: Narrow, make_operator: MakeOperator
) -> None:
    await narrow.bind()
    await make_operator("narrow", kubeconfig=narrow.kubeconfig)
    await place.start(table(1))
    await place.ready(currentVersion=1)
    assert narrow.may("get", "secrets", "-n", place.namespace) == "yes"
    assert narrow.may("get", "secrets", "-n", "kube-system") == "no"
    assert narrow.may("list", "secrets", "-n", place.namespace) == "no"


async def test_a_namespace_that_is_not_bound_keeps_no_other_from_being_served(
    place: Place, narrow: Narrow, make_operator: MakeOperator
) -> None:
    await narrow.bind()
    served = f"kube-public,{place.namespace},nowhere"
    operator = await make_operator(
        "narrow", kubeconfig=narrow.kubeconfig, MIGRATOR_NAMESPACES=served
    )
    await place.start(table(1))
    await place.ready(currentVersion=1)
    await place.files(tables(2))
    await place.ready(currentVersion=2)
    assert operator.running and operator.alive()
    assert "namespace kube-public is not served" in operator.log.read_text()


async def test_a_namespace_is_served_as_soon_as_it_is_bound_and_while_it_is(
    light: Ring, place: Place, narrow: Narrow, make_operator: MakeOperator
) -> None:
    with light.cluster.namespace("other") as other:
        await narrow.bind(other)
        served = f"{other},{place.namespace}"
        operator = await make_operator(
            "narrow", kubeconfig=narrow.kubeconfig, MIGRATOR_NAMESPACES=served
        )
        await place.start(table(1))
        await narrow.bind()
        await place.ready(currentVersion=1)
        light.kubectl("delete", "rolebinding", "ucc-intel-migrator", "-n", other)
        refused = f"namespace {other} is not served"
        await eventually(lambda: said(operator, refused), "what it can no longer serve is told")
        await place.files(tables(2))
        await place.ready(currentVersion=2)
        assert operator.running and operator.alive()


async def test_it_stops_when_asked_to_while_its_namespaces_change(
    light: Ring, place: Place, narrow: Narrow, make_operator: MakeOperator
) -> None:
    await narrow.bind()
    served = f"{place.namespace},default"
    operator = await make_operator(
        "narrow", kubeconfig=narrow.kubeconfig, MIGRATOR_NAMESPACES=served
    )
    await narrow.bind("default")
    try:
        await eventually(lambda: said(operator, "other namespaces"), "it takes the other up")
        operator.stop()
        assert not operator.running
    finally:
        light.kubectl("delete", "rolebinding", "ucc-intel-migrator", "-n", "default")


async def said(operator: Operator, what: str) -> bool:
    """Whether it is in the operator's log."""
    return what in operator.log.read_text()


async def test_a_right_that_is_missing_is_told_in_the_status(
    light: Ring, place: Place, narrow: Narrow, make_operator: MakeOperator
) -> None:
    await narrow.bind()
    role = yaml.safe_load_all((INSTALL / "rbac.yaml").read_text())
    rules = [r for d in role for r in d.get("rules", []) if "secrets" not in r["resources"]]
    less = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "less"},
        "rules": rules,
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "less"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "less"},
        "subjects": [narrow.subject],
    }
    for body in (less, binding):
        await asyncio.to_thread(light.kubectl.apply, body, place.namespace)
    await make_operator("narrow", kubeconfig=narrow.kubeconfig)
    await place.start(table(1))
    await place.ready(currentVersion=1)
    light.kubectl("delete", "rolebinding", "ucc-intel-migrator", "-n", place.namespace)
    status = await place.reason("InternalError")
    message = condition(status, "Stalled")["message"]
    assert "secrets" in message and "rbac.yaml" in message
    await narrow.bind()
    await place.ready(currentVersion=1)
