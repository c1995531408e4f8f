"""What a cluster leaves behind: nothing, however it ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import registry, remains
from tests.cluster.full import Cluster, sweep
from tests.cluster.home import Home
from tests.cluster.isolation import Isolation
from tests.cluster.waiting import until
from tests.e2e.cluster.test_full import job
from tests.stack.config import REPO
from tests.stack.control import State
from tests.stack.install import only_one
from tests.stack.proc import Identity


def run_a_pod(cluster: Cluster) -> None:
    """Have something in the cluster that outlives its containerd."""
    cluster.apply(job("stays", "sleep 3600"), "default")
    running = ("get", "pods", "-o", "jsonpath={.items[*].status.phase}")
    until(lambda: cluster.kubectl(*running) == "Running", "the pod runs")


def leftovers(isolation: Isolation, folder: Path) -> list[object]:
    """All that there is of a cluster outside its folder."""
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if str(folder) in line]
    links = [path for path in Path("/sys/class/net").iterdir() if path.name == isolation.name]
    networks = [isolation.network] if isolation.network.exists() else []
    known = [record for record in registry.records() if record.folder == str(folder)]
    found = [*remains.processes(isolation), *isolation.cgroups()]
    return [*found, *mounts, *links, *networks, *known]


def test_a_stopped_cluster_leaves_nothing() -> None:
    with Cluster("whole") as cluster:
        run_a_pod(cluster)
        isolation, folder = cluster.isolation, cluster.home.folder
        assert len(remains.processes(isolation)) > len(cluster.units())
    assert leftovers(isolation, folder) == []
    assert not folder.exists()


@pytest.fixture
def permanent(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster("kept", home=Home("kept", tmp_path / "kept"))
    yield made
    made.stop()


def test_a_cluster_whose_supervisor_was_killed_starts_anew(permanent: Cluster) -> None:
    permanent.start()
    run_a_pod(permanent)
    os.kill(State.read(permanent.home.folder).supervisor.pid, signal.SIGKILL)
    again = Cluster("kept", home=permanent.home).start()
    assert again.kubectl("get", "pods", "-o", "name") == ""
    assert all(unit["state"] in ("ready", "done") for unit in again.units().values())


def test_the_machines_kernel_is_left_as_it_is() -> None:
    panic = Path("/proc/sys/kernel/panic")
    with only_one(registry.RUN / "kernel"):  # the machine has one, and maybe several test runs
        before = panic.read_text()
        panic.write_text("7")
        try:
            with Cluster("kernel"):
                assert panic.read_text() == "7\n"
        finally:
            panic.write_text(before)


CRASH = """
import time
from tests.cluster.full import Cluster
with Cluster("crash") as cluster:
    print(cluster.home.folder, cluster.isolation.number, flush=True)
    time.sleep(600)
"""


def test_a_cluster_whose_test_was_killed_is_swept_by_the_next_one() -> None:
    test = subprocess.Popen(
        [sys.executable, "-c", CRASH], cwd=REPO, stdout=subprocess.PIPE, text=True
    )
    with test:
        assert test.stdout is not None
        folder, number = test.stdout.readline().split()
        isolation = Isolation(int(number))
        supervisor: Identity = State.read(Path(folder)).supervisor
        test.kill()
    until(lambda: not supervisor.alive, "the supervisor ends with its owner")
    with registry.lock():
        sweep()
    assert leftovers(isolation, Path(folder)) == []
    assert not Path(folder).exists()
