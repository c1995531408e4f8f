"""Fixtures that give tests a cluster; tests/conftest.py takes them over.

A test works in a namespace of its own (`with light_cluster.namespace() as name`) and leaves the
cluster's components alone; one that kills them makes a cluster for itself.
"""

import os
from collections.abc import Iterator

import pytest

from tests.cluster.full import Cluster
from tests.cluster.light import LightCluster


@pytest.fixture(scope="session")
def light_cluster() -> Iterator[LightCluster]:
    """etcd, API server and controllers for this test session: no node, pods stay pending."""
    with LightCluster() as running:
        yield running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A node for this test session, on which pods run; only tests marked e2e may ask for it."""
    with Cluster(f"e2e-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}") as running:
        yield running
