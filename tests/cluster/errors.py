"""The errors of this package: each is a sentence with its remedy, as those of the stack are."""

from tests.stack.errors import StackError


class ClusterError(StackError):
    """Something that stops the cluster; the message is one clear sentence with the remedy."""


class ForeignCluster(ClusterError):
    """A kubeconfig leads to a cluster that this package did not make; nothing was sent to it."""


class KubectlError(ClusterError):
    """kubectl ended with an error; `text` is what it said."""

    def __init__(self, argv: str, text: str) -> None:
        super().__init__(f"{argv}: {text}")
        self.text = text
