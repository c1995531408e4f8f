"""The full form: pods really run on its node."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import image
from tests.cluster.errors import KubectlError
from tests.cluster.full import Cluster
from tests.cluster.image import BUSYBOX
from tests.cluster.waiting import until

SHARED = {"name": "shared", "mountPath": "/shared"}


def container(name: str, command: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": BUSYBOX, "command": ["sh", "-c", command], **more}


def job(name: str, command: str, **more: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [container("main", command)], **more}
    return {
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }  # fmt: skip


def run(cluster: Cluster, namespace: str, made: dict[str, Any]) -> str:
    """Run a job to its end; what its pod printed."""
    cluster.apply(made, namespace)
    name = f"job/{made['metadata']['name']}"
    cluster.kubectl("wait", "--for=condition=Complete", name, "-n", namespace, "--timeout=120s")
    return cluster.kubectl("logs", name, "-n", namespace)


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace() as name:
        yield name


def test_the_node_is_ready(cluster: Cluster) -> None:
    status = cluster.kubectl.get("node", "node")["status"]
    ready = {c["type"]: c["status"] for c in status["conditions"]}["Ready"]
    assert (ready, status["nodeInfo"]["kubeletVersion"]) == ("True", "v1.36.3")


def web(name: str) -> list[dict[str, Any]]:
    """A server of pages that its native sidecar writes, and its service."""
    pod = {
        "initContainers": [
            container(
                "writer", "echo written > /shared/page; sleep 3600", restartPolicy="Always",
                volumeMounts=[SHARED],
            )
        ],
        "containers": [
            container(
                "server", "httpd -f -p 8080 -h /shared", volumeMounts=[SHARED],
                readinessProbe={"httpGet": {"port": 8080, "path": "/page"}, "periodSeconds": 1},
            )
        ],
        "volumes": [{"name": "shared", "emptyDir": {}}],
        "terminationGracePeriodSeconds": 0,
    }  # fmt: skip
    labels = {"app": name}
    return [
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]  # fmt: skip


def test_a_deployment_with_a_sidecar_is_reached_by_its_service_name(
    cluster: Cluster, namespace: str
) -> None:
    cluster.apply(web("web"), namespace)
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=120s")
    asked = f"until wget -qO- http://web.{namespace}.svc.cluster.local/page; do sleep 0.2; done"
    assert "written" in run(cluster, namespace, job("ask", asked))


def test_a_command_runs_in_a_container(cluster: Cluster, namespace: str) -> None:
    cluster.apply(web("web"), namespace)
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=120s")
    command = ("exec", "deployment/web", "-c", "server", "-n", namespace, "--", "cat")
    assert cluster.kubectl(*command, "/shared/page") == "written\n"


def test_a_restricted_pod_runs_and_finds_names(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("label", "ns", namespace, "pod-security.kubernetes.io/enforce=restricted")
    restricted = {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    made = job(
        "as-nobody", "id -u && nslookup kubernetes.default.svc.cluster.local",
        securityContext={
            "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
        },
    )  # fmt: skip
    made["spec"]["template"]["spec"]["containers"][0]["securityContext"] = restricted
    printed = run(cluster, namespace, made)
    assert printed.startswith("10001\n")
    assert "10.215.0.1" in printed


def test_a_job_that_fails_is_failed(cluster: Cluster, namespace: str) -> None:
    cluster.apply(job("fails", "echo no >&2; exit 3"), namespace)
    failed = ("wait", "--for=condition=Failed", "job/fails", "-n", namespace, "--timeout=120s")
    cluster.kubectl(*failed)
    assert cluster.kubectl("logs", "job/fails", "-n", namespace) == "no\n"


@contextmanager
def page_on(address: str) -> Iterator[str]:
    """A web server of this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.client_address[0].encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((address, 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_pod_reaches_the_machine_as_the_node(cluster: Cluster, namespace: str) -> None:
    with page_on(cluster.host_ip) as url:
        assert run(cluster, namespace, job("ask", f"wget -qO- {url}")) == cluster.node_ip


def test_an_imported_image_runs(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    layer = image.busybox_layer()
    image.write(tmp_path / "one.tar", layer, {"localhost/one:7": ["/bin/echo", "imported"]})
    cluster.load(tmp_path / "one.tar")
    made = job("one", "")
    only = {"name": "main", "image": "localhost/one:7", "imagePullPolicy": "Never"}
    made["spec"]["template"]["spec"]["containers"] = [only]
    assert run(cluster, namespace, made) == "imported\n"


def test_pods_go_on_while_the_api_server_is_restarted(cluster: Cluster, namespace: str) -> None:
    cluster.apply(job("long", "until [ -e /tmp/go ]; do sleep 0.1; done; echo done"), namespace)
    running = ("get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].status.phase}")
    until(lambda: cluster.kubectl(*running) == "Running", "the pod runs")
    cluster.kill("apiserver")
    cluster.wait_ready("apiserver")
    cluster.kubectl("exec", "job/long", "-n", namespace, "--", "touch", "/tmp/go")
    cluster.kubectl(
        "wait", "--for=condition=Complete", "job/long", "-n", namespace, "--timeout=120s"
    )
    (pod,) = cluster.kubectl.get("pods", "-n", namespace)["items"]
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def test_started_again_nothing_changes(cluster: Cluster, namespace: str) -> None:
    before = {name: cluster.who(name) for name, unit in cluster.units().items() if not unit["task"]}
    cluster.start()
    assert {name: cluster.who(name) for name in before} == before
    assert cluster.kubectl("get", "ns", namespace, "-o", "name")


def test_a_name_that_is_not_of_the_cluster_fails_at_once(cluster: Cluster, namespace: str) -> None:
    cluster.apply(job("ask", "nslookup www.example.com."), namespace)
    cluster.kubectl("wait", "--for=condition=Failed", "job/ask", "-n", namespace, "--timeout=120s")
    assert "SERVFAIL" in cluster.kubectl("logs", "job/ask", "-n", namespace)


def test_a_service_account_may_do_nothing_by_itself(cluster: Cluster, namespace: str) -> None:
    account = f"system:serviceaccount:{namespace}:default"
    with pytest.raises(KubectlError, match="no"):
        cluster.kubectl("auth", "can-i", "list", "secrets", "-n", namespace, "--as", account)
