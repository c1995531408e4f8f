"""Which full clusters a machine has."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster import registry
from tests.cluster.errors import ClusterError
from tests.cluster.home import Home
from tests.stack.proc import NOBODY, identify


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(registry, "RUN", tmp_path / "run")
    monkeypatch.setattr(registry, "LINKS", tmp_path / "links")


def home(name: str) -> Home:
    return Home(name, Path("/nowhere") / name)


def test_each_cluster_has_a_number_of_its_own() -> None:
    assert [registry.enter(home(name), NOBODY).number for name in "abc"] == [1, 2, 3]


def test_a_cluster_keeps_its_number() -> None:
    first = registry.enter(home("a"), NOBODY)
    registry.enter(home("b"), NOBODY)
    assert registry.enter(home("a"), NOBODY) == first


def test_a_number_is_given_again_when_its_cluster_is_gone() -> None:
    first = registry.enter(home("a"), NOBODY)
    registry.enter(home("b"), NOBODY)
    registry.leave(first)
    assert registry.enter(home("c"), NOBODY).number == first.number


def test_the_number_of_a_cluster_that_is_not_ours_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "links" / "ucc-test-1").mkdir(parents=True)
    assert registry.enter(home("a"), NOBODY).number == 2


def test_clusters_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    first = registry.enter(Home("a", tmp_path / "x"), NOBODY)
    assert registry.enter(Home("a", tmp_path / "y"), NOBODY).number != first.number


def test_there_is_an_end_to_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "MOST", 3)
    registry.enter(home("a"), NOBODY)
    registry.enter(home("b"), NOBODY)
    with pytest.raises(ClusterError, match="stop some"):
        registry.enter(home("c"), NOBODY)


def test_a_cluster_is_orphaned_when_its_test_process_is_gone() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        registry.enter(home("a"), identify(sleeper.pid))
        assert not registry.records()[0].orphaned
        sleeper.kill()
    assert registry.records()[0].orphaned


def test_a_cluster_of_make_is_never_orphaned() -> None:
    registry.enter(home("a"), NOBODY)
    assert not registry.records()[0].orphaned


def test_records_are_read_as_they_were_written() -> None:
    made = registry.enter(home("a"), identify(os.getpid()))
    assert registry.records() == [made]


def test_a_cluster_that_ends_while_records_are_read_is_none(tmp_path: Path) -> None:
    kept = registry.enter(home("a"), NOBODY)
    (tmp_path / "run" / "2.json").symlink_to(tmp_path / "gone")  # listed, and not there any more
    assert registry.records() == [kept]
