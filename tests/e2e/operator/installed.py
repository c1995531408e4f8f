"""The operator on the node: installed as operators/README.md says, asked over the API server."""

from prometheus_client.parser import text_string_to_metric_families

from tests.cluster.full import Cluster
from tests.operator.light import CRD, INSTALL, SYSTEM

IMAGE = "localhost/ucc-intel/operator:dev"
DEPLOYMENT = "ucc-intel-migrator"
SELECTOR = f"app.kubernetes.io/name={DEPLOYMENT}"


class Installed:
    """The Deployment of the operator."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.kubectl = cluster.kubectl

    def pod(self) -> str:
        """Name of its pod."""
        names = self.kubectl(
            "get", "pod", "-n", SYSTEM, "-l", SELECTOR, "-o", "jsonpath={.items[*].metadata.name}"
        ).split()
        assert len(names) == 1, names
        return names[0]

    def wait(self) -> None:
        """Return once it runs."""
        where = ("-n", SYSTEM, f"deployment/{DEPLOYMENT}", "--timeout=180s")
        self.kubectl("rollout", "status", *where)

    def metrics(self) -> dict[str, float]:
        """The samples without labels of its /metrics."""
        where = f"/api/v1/namespaces/{SYSTEM}/pods/{self.pod()}:8020/proxy/metrics"
        families = text_string_to_metric_families(self.kubectl("get", "--raw", where))
        return {s.name: s.value for family in families for s in family.samples if not s.labels}

    def memory_mb(self) -> tuple[float, float]:
        """(resident now, the most it ever was) of its only process."""
        said = self.kubectl("exec", "-n", SYSTEM, self.pod(), "--", "cat", "/proc/1/status")
        lines = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
        now, most = (int(lines[key].split()[0]) / 1024 for key in ("VmRSS", "VmHWM"))
        return now, most


def install(cluster: Cluster) -> Installed:
    """CRD, namespace, rights and Deployment; their image was loaded."""
    kubectl = cluster.kubectl
    kubectl("apply", "-f", str(CRD))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", f"-f{CRD}")
    for name in ("namespace", "rbac", "all-namespaces", "deployment"):
        kubectl("apply", "-f", str(INSTALL / f"{name}.yaml"))
    made = Installed(cluster)
    made.wait()
    return made
