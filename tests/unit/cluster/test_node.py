"""What the programs of the node are told."""

import tomllib
from pathlib import Path

import pytest

from tests.cluster import node
from tests.cluster.home import Home
from tests.cluster.image import PAUSE
from tests.cluster.isolation import Isolation

AT = Isolation(7)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home("mine", tmp_path / "cluster")
    made.claim()
    (made.folder / "node").mkdir()
    return made


def test_containerd_keeps_to_the_folder_of_its_cluster(home: Home) -> None:
    told = tomllib.loads(node.containerd_toml(node.files(home)))
    places = [told["root"], told["state"], told["grpc"]["address"]]
    assert all(place.startswith(f"{home.folder}/") for place in places)
    runtime = told["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["cni"]["conf_dir"].startswith(f"{home.folder}/")


def test_pods_start_without_a_right_to_lower_their_score(home: Home) -> None:
    told = tomllib.loads(node.containerd_toml(node.files(home)))
    assert told["plugins"]["io.containerd.cri.v1.runtime"]["restrict_oom_score_adj"] is True


def test_the_pause_image_is_the_one_that_is_imported(home: Home) -> None:
    images = tomllib.loads(node.containerd_toml(node.files(home)))["plugins"]
    assert images["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == PAUSE


def test_pods_of_two_clusters_have_different_cgroups_and_networks(home: Home) -> None:
    assert node.kubelet(home, AT)["cgroupRoot"] != node.kubelet(home, Isolation(8))["cgroupRoot"]
    assert node.network(AT) != node.network(Isolation(8))


def test_the_kubelet_answers_nobody_it_does_not_know(home: Home) -> None:
    told = node.kubelet(home, AT)
    assert told["authorization"] == {"mode": "Webhook"}
    assert told["authentication"]["anonymous"] == {"enabled": False}  # type: ignore[index]


def test_pods_ask_the_name_server_that_the_service_leads_to(home: Home) -> None:
    service, endpoints = node.addons(AT)["items"][:2]  # type: ignore[index]
    assert node.kubelet(home, AT)["clusterDNS"] == [service["spec"]["clusterIP"]]
    assert endpoints["endpoints"] == [{"addresses": [AT.node_ip]}]
