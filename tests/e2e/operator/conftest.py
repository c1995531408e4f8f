"""The full ring: a node on which Jobs really run, PostgreSQL that its pods reach, and the operator
as operators/install brings it.

`place` is as in tests/operator: a namespace and an empty database, for one test alone.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from tests.cluster.full import Cluster
from tests.cluster.guard import NODES
from tests.e2e.operator.installed import Installed, install
from tests.images.build import archives
from tests.operator.api import Api
from tests.operator.place import Place
from tests.support.stack import TestDatabase, TestStack, create_database, drop_database


@pytest.fixture(scope="session")
def databases(cluster: Cluster) -> Iterator[TestStack]:
    """PostgreSQL where pods reach it."""
    with TestStack(["database"], address=cluster.host_ip, guests=str(NODES)) as running:
        yield running


@pytest.fixture(scope="session")
def migrator(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The operator as a Deployment, its image loaded on the node."""
    cluster.load(archives(tmp_path_factory.mktemp("images"), ["operator"])["operator"])
    return install(cluster)


def empty(stack: TestStack, cluster: Cluster, name: str) -> TestDatabase:
    """A database with no migration applied, its URL as pods have to write it."""
    made = create_database(stack, name)
    return replace(made, direct_url=made.direct_url.replace("127.0.0.1", cluster.host_ip))


@pytest.fixture
async def place(
    cluster: Cluster, databases: TestStack, migrator: Installed
) -> AsyncIterator[Place]:
    """A namespace and an empty database."""
    database = empty(databases, cluster, f"o_{uuid.uuid4().hex[:12]}")
    with cluster.namespace("t") as namespace:
        async with Api.of(cluster.kubeconfig) as api:
            yield Place(api, namespace, database)
    drop_database(databases, database.name)
