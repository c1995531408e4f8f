"""Names and addresses of full clusters side by side."""

import ipaddress
import os
from pathlib import Path

import pytest

from tests.cluster import isolation
from tests.cluster.errors import ClusterError
from tests.cluster.guard import NODES, allowed_server
from tests.cluster.isolation import Isolation, require_root
from tests.cluster.registry import MOST
from tests.stack import programs

LAST = MOST - 1


@pytest.mark.parametrize("number", [1, LAST])
def test_a_node_is_in_the_network_that_may_be_spoken_to(number: int) -> None:
    at = Isolation(number)
    assert allowed_server(f"https://{at.node_ip}:6443")
    assert ipaddress.ip_address(at.host_ip) in NODES


def test_clusters_share_no_name_and_no_address() -> None:
    made = [Isolation(number) for number in range(1, MOST)]
    for field in ("name", "host_ip", "node_ip", "pods"):
        assert len({getattr(each, field) for each in made}) == LAST


def test_the_name_is_short_enough_for_a_network_interface() -> None:
    assert len(Isolation(LAST).name) <= 15


def test_only_root_starts_a_full_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ClusterError, match="sudo"):
        require_root()


def test_a_machine_that_makes_no_namespaces_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "find", lambda _: "false")
    with pytest.raises(ClusterError, match="privileged container"):
        require_root()


def test_cgroup_v2_has_one_hierarchy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(isolation, "CGROUPS", tmp_path)
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "ucc-test-3").mkdir()
    assert Isolation(3).cgroups() == [tmp_path / "ucc-test-3"]


def test_cgroup_v1_has_one_for_each_controller(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(isolation, "CGROUPS", tmp_path)
    for name in ("memory", "cpu,cpuacct"):
        (tmp_path / name / "ucc-test-3").mkdir(parents=True)
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    assert [path.parent.name for path in Isolation(3).cgroups()] == ["cpu,cpuacct", "memory"]
