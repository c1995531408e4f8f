"""Where a cluster lives."""

from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.home import Home


def test_the_environment_names_cluster_and_folder(tmp_path: Path) -> None:
    home = Home.from_environment({"CLUSTER_NAME": "mine", "CLUSTER_DIR": str(tmp_path / "x")})
    assert (home.context, home.kubeconfig) == ("ucc-intel-test-mine", tmp_path / "x" / "kubeconfig")


def test_clusters_of_different_names_have_different_folders() -> None:
    folders = {Home.from_environment({"CLUSTER_NAME": name}).folder for name in ("a", "b", "")}
    assert len(folders) == 3


@pytest.mark.parametrize("name", ["", "Big", "-x", "a b", "a/b", "x" * 25])
def test_a_name_that_cannot_be_a_context_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="CLUSTER_NAME"):
        Home(name, tmp_path)


def test_a_folder_of_something_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ClusterError, match="CLUSTER_DIR"):
        Home("mine", tmp_path).claim()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_claimed_folder_is_taken_again(tmp_path: Path) -> None:
    home = Home("mine", tmp_path / "new")
    home.claim()
    home.claim()
    assert home.is_ours
