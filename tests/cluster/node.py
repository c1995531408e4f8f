"""The configuration files of the node: containerd, CNI, kubelet, CoreDNS; `write` makes them."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import identities
from tests.cluster.home import Home
from tests.cluster.image import PAUSE
from tests.cluster.isolation import Isolation

PLUGINS = "/usr/lib/cni"
DNS = f"{identities.SERVICES}.10"
DOMAIN = "cluster.local"


@dataclass(frozen=True)
class Files:
    """Where they are."""

    folder: Path

    @property
    def containerd(self) -> Path:
        """Configuration of containerd."""
        return self.folder / "containerd.toml"

    @property
    def socket(self) -> Path:
        """Socket of containerd."""
        return self.folder / "containerd.sock"

    @property
    def cni(self) -> Path:
        """Folder with the network's configuration."""
        return self.folder / "cni"

    @property
    def kubelet(self) -> Path:
        """Configuration of the kubelet."""
        return self.folder / "kubelet.json"

    @property
    def corefile(self) -> Path:
        """Configuration of CoreDNS."""
        return self.folder / "Corefile"

    @property
    def addons(self) -> Path:
        """Objects that every cluster has."""
        return self.folder / "addons.json"

    @property
    def images(self) -> Path:
        """The images that every cluster has."""
        return self.folder / "images.tar"


def files(home: Home) -> Files:
    """The files of one cluster."""
    return Files(home.folder / "node")


def write(home: Home, isolation: Isolation) -> None:
    """Write every configuration file."""
    at = files(home)
    at.cni.mkdir(parents=True, exist_ok=True)
    at.containerd.write_text(containerd_toml(at))
    (at.cni / "10-bridge.conflist").write_text(json.dumps(network(isolation)))
    at.kubelet.write_text(json.dumps(kubelet(home, isolation), indent=1))
    at.corefile.write_text(corefile(home))
    at.addons.write_text(json.dumps(addons(isolation)))


def containerd_toml(at: Files) -> str:
    """containerd below a folder of its own.

    restrict_oom_score_adj: without the right to lower it every pod fails. The namespaces of pods'
    networks stay below the state folder, so that they go with the mount namespace.
    """
    return f"""\
version = 3
root = "{at.folder}/containerd/root"
state = "{at.folder}/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]

[grpc]
address = "{at.socket}"

[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{PAUSE}"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{PLUGINS}"]
conf_dir = "{at.cni}"
"""


def network(isolation: Isolation) -> dict[str, object]:
    """A bridge; what pods send to other networks leaves as the node's."""
    bridge = {
        "type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
        "ipam": {
            "type": "host-local", "ranges": [[{"subnet": isolation.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }  # fmt: skip
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "bridge", "plugins": [bridge, ports]}


def kubelet(home: Home, isolation: Isolation) -> dict[str, object]:
    """A kubelet that never evicts: a test machine's disk may well be almost full."""
    keys = home.folder / "keys"
    resolv = home.folder / "node" / "resolv.conf"
    resolv.write_text("")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(keys / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(keys / "kubelet-server.key"),
        "address": isolation.node_ip,
        "clusterDNS": [DNS],
        "clusterDomain": DOMAIN,
        "resolvConf": str(resolv),
        "containerRuntimeEndpoint": f"unix://{files(home).socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{isolation.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
    }


def corefile(home: Home) -> str:
    """Names of the cluster only: one outside fails at once, nobody is asked for it."""
    return f"""\
.:53 {{
  errors
  health
  ready
  cache 5
  kubernetes {DOMAIN} in-addr.arpa {{
    kubeconfig {identities.path(home, "coredns")}
    ttl 5
  }}
}}
"""


def addons(isolation: Isolation) -> dict[str, object]:
    """The name server's service and rights: CoreDNS itself runs beside the kubelet."""
    name = {"name": "kube-dns", "namespace": "kube-system"}
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}]
    ports.append({"name": "dns-tcp", "port": 53, "protocol": "TCP"})
    label = {"kubernetes.io/service-name": "kube-dns"}
    watch = {"verbs": ["list", "watch", "get"]}
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], **watch},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], **watch},
    ]
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:coredns"}
    user = {"apiGroup": rbac, "kind": "User", "name": "system:coredns"}
    items = [
        {
            "apiVersion": "v1", "kind": "Service", "metadata": name,
            "spec": {"clusterIP": DNS, "ports": ports},
        },
        {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {**name, "labels": label}, "addressType": "IPv4", "ports": ports,
            "endpoints": [{"addresses": [isolation.node_ip]}],
        },
        {
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRole",
            "metadata": {"name": "system:coredns"}, "rules": rules,
        },
        {
            "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "system:coredns"}, "roleRef": role, "subjects": [user],
        },
    ]  # fmt: skip
    return {"apiVersion": "v1", "kind": "List", "items": items}
