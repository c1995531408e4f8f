"""Only clusters that this package made are spoken to."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.certificates import Authority
from tests.cluster.errors import ForeignCluster
from tests.cluster.guard import allowed_context, allowed_server
from tests.cluster.home import Home
from tests.cluster.identities import kubeconfig
from tests.cluster.kubectl import Kubectl


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home("mine", tmp_path / "cluster")
    made.claim()
    return made


def write(home: Home, context: str = "", server: str = "https://127.0.0.1:6443") -> Path:
    authority = Authority()
    text = kubeconfig(context or home.context, server, authority, authority.client("me"))
    home.kubeconfig.write_text(text)
    return home.kubeconfig


def test_a_cluster_of_ours_is_allowed(home: Home) -> None:
    assert allowed_context(write(home)) == "ucc-intel-test-mine"


def test_a_context_of_another_name_is_refused(home: Home) -> None:
    with pytest.raises(ForeignCluster, match="production"):
        allowed_context(write(home, context="production"))


def test_a_server_elsewhere_is_refused(home: Home) -> None:
    with pytest.raises(ForeignCluster, match=r"203\.0\.113\.7"):
        allowed_context(write(home, server="https://203.0.113.7:6443"))


def test_a_kubeconfig_outside_our_folders_is_refused(home: Home, tmp_path: Path) -> None:
    copy = tmp_path / "kubeconfig"
    copy.write_text(write(home).read_text())
    with pytest.raises(ForeignCluster, match="folder"):
        allowed_context(copy)


def test_a_kubeconfig_of_another_tool_is_refused(home: Home) -> None:
    home.kubeconfig.write_text("apiVersion: v1\nkind: Config\ncurrent-context: ucc-intel-test-x\n")
    with pytest.raises(ForeignCluster, match="did not write"):
        allowed_context(home.kubeconfig)


def test_a_kubeconfig_that_is_missing_is_refused(home: Home) -> None:
    with pytest.raises(ForeignCluster, match="does not exist"):
        allowed_context(home.kubeconfig)


def test_kubectl_cannot_be_had_for_another_cluster(home: Home) -> None:
    with pytest.raises(ForeignCluster, match=r"ucc-intel-test-\*"):
        Kubectl(write(home, context="production"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://[::1]:6443", True),
        ("https://10.213.4.2:6443", True),
        ("https://10.0.0.1:6443", False),
        ("https://cluster.example:6443", False),
        ("https://127.0.0.1.example:6443", False),
        ("https://127.0.0.1@203.0.113.7", False),
        ("", False),
    ],
)
def test_only_this_machine_is_an_allowed_server(url: str, allowed: bool) -> None:
    assert allowed_server(url) is allowed


def test_the_context_named_is_the_one_that_is_checked(home: Home) -> None:
    body: dict[str, Any] = json.loads(write(home).read_text())
    body["clusters"].append({"name": "far", "cluster": {"server": "https://203.0.113.7"}})
    body["contexts"].append({"name": "ucc-intel-test-far", "context": {"cluster": "far"}})
    body["current-context"] = "ucc-intel-test-far"
    home.kubeconfig.write_text(json.dumps(body))
    with pytest.raises(ForeignCluster, match=r"203\.0\.113\.7"):
        allowed_context(home.kubeconfig)
