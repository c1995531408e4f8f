"""The light form: etcd, API server and controllers on loopback; no node, no namespace, no root.

Pods stay pending unless a test plays the kubelet.
"""

from collections.abc import Sequence

from tests.cluster import binaries, components, identities
from tests.cluster.base import BaseCluster
from tests.cluster.components import CONTROLLERS, Address
from tests.cluster.home import Home
from tests.stack import install, programs
from tests.stack.ports import free_port
from tests.stack.spec import Spec


class LightCluster(BaseCluster):
    """`controllers=()` leaves the controller manager out; names are those of its --controllers."""

    def __init__(
        self,
        name: str = "light",
        *,
        controllers: Sequence[str] = CONTROLLERS,
        home: Home | None = None,
    ) -> None:
        super().__init__(name, home)
        self.controllers = tuple(controllers)
        self.accounts = "serviceaccount-controller" in self.controllers
        self._address: Address | None = None

    def prepare(self) -> list[Spec]:
        """Install, build and configure; etcd, API server, controllers."""
        install_etcd()
        binaries.build(binaries.LIGHT)
        at = self.address
        identities.write(self.home, at.server, at.host)
        # an address on loopback cannot be an endpoint, and no pod asks for one
        more = {"endpoint-reconciler-type": "none"}
        specs = [components.etcd(self.home, at), components.apiserver(self.home, at, more)]
        if self.controllers:
            specs.append(components.controller_manager(self.home, self.controllers, {}))
        return specs

    @property
    def address(self) -> Address:
        """Free ports of loopback, chosen once."""
        if self._address is None:
            self._address = Address("127.0.0.1", *(free_port() for _ in range(4)))
        return self._address


def install_etcd() -> None:
    """Bring etcd by apt-get where it is missing."""
    if not programs.find("etcd"):
        install.more_packages(["etcd-server"])
