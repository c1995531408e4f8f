"""The light form: a real API server with controllers, in seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.base import sweep_folders
from tests.cluster.errors import KubectlError
from tests.cluster.light import LightCluster
from tests.cluster.waiting import until
from tests.stack.config import REPO
from tests.stack.control import State

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "one"},
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "localhost/none:1"}],
            }
        }
    },
}


def pods(cluster: LightCluster, namespace: str) -> list[str]:
    return cluster.kubectl("get", "pods", "-n", namespace, "-o", "name").split()


def test_the_version_is_told_to_clients(light_cluster: LightCluster) -> None:
    told = json.loads(light_cluster.kubectl("version", "-o", "json"))
    assert told["serverVersion"]["gitVersion"] == told["clientVersion"]["gitVersion"] == "v1.36.3"


def test_a_job_gets_its_pod(light_cluster: LightCluster) -> None:
    with light_cluster.namespace() as name:
        light_cluster.apply(JOB, name)
        until(lambda: len(pods(light_cluster, name)) == 1, "the job has one pod")


def test_what_a_deleted_job_owned_is_collected(light_cluster: LightCluster) -> None:
    with light_cluster.namespace() as name:
        light_cluster.apply(JOB, name)
        until(lambda: len(pods(light_cluster, name)) == 1, "the job has one pod")
        light_cluster.kubectl("delete", "job", "one", "-n", name)
        until(lambda: not pods(light_cluster, name), "the pod is gone")


def test_a_namespace_goes_with_all_that_is_in_it(light_cluster: LightCluster) -> None:
    with light_cluster.namespace() as name:
        light_cluster.kubectl("create", "configmap", "one", "-n", name)
    show = ("get", "namespace", name, "--ignore-not-found", "-o", "name")
    until(lambda: not light_cluster.kubectl(*show), "the namespace is gone")


def test_what_kubectl_says_is_in_the_error(light_cluster: LightCluster) -> None:
    with pytest.raises(KubectlError, match=r'namespaces "nowhere" not found'):
        light_cluster.kubectl("get", "namespace", "nowhere")


def test_the_callers_kubeconfig_is_never_used(
    light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "config"
    other.write_text(light_cluster.kubeconfig.read_text().replace("127.0.0.1", "203.0.113.7"))
    monkeypatch.setenv("KUBECONFIG", str(other))
    assert light_cluster.kubectl("config", "current-context").strip() == "ucc-intel-test-light"
    assert light_cluster.kubectl("get", "--raw", "/readyz") == "ok"


def test_a_killed_api_server_comes_back_with_its_data() -> None:
    with LightCluster(controllers=()) as cluster, cluster.namespace() as name:
        cluster.kill("apiserver")
        cluster.wait_ready("apiserver")
        assert (
            cluster.kubectl("get", "namespace", name, "-o", "name").strip() == f"namespace/{name}"
        )


def test_an_api_server_stays_away_until_it_is_released() -> None:
    with LightCluster(controllers=()) as cluster:
        cluster.hold("apiserver")
        with pytest.raises(KubectlError, match="refused"):
            cluster.kubectl("get", "--raw", "/readyz")
        cluster.release()
        assert cluster.kubectl("get", "--raw", "/readyz") == "ok"


def test_two_clusters_know_nothing_of_each_other(light_cluster: LightCluster) -> None:
    with LightCluster("other", controllers=()) as other, other.namespace() as name:
        assert other.kubectl.context != light_cluster.kubectl.context
        with pytest.raises(KubectlError, match="not found"):
            light_cluster.kubectl("get", "namespace", name)


def test_a_stopped_cluster_leaves_no_process_and_no_folder() -> None:
    with LightCluster(controllers=()) as cluster:
        running = [cluster.who(name) for name in cluster.units()]
        assert all(who.alive for who in running)
    assert not any(who.alive for who in running)
    assert not cluster.home.folder.exists()


CRASH = """
import time
from tests.cluster.light import LightCluster
with LightCluster("crash", controllers=()) as cluster:
    print(cluster.home.folder, flush=True)
    time.sleep(600)
"""


def test_a_cluster_whose_test_was_killed_is_gone_when_the_next_one_starts() -> None:
    argv = [sys.executable, "-c", CRASH]
    with subprocess.Popen(argv, cwd=REPO, stdout=subprocess.PIPE, text=True) as test:
        assert test.stdout is not None
        folder = Path(test.stdout.readline().strip())
        state = State.read(folder)
        test.kill()
    until(lambda: not state.supervisor.alive, "the supervisor ends with its owner")
    assert not any(state.who(name).alive for name in state.units)
    sweep_folders()
    assert not folder.exists()
