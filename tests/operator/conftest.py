"""Fixtures of the operator's tests: one API server a session, all else a test has to itself.

`light`: the API server with what operators/install brings. `hands`: who runs its pods. `place`: a
namespace and an empty database. `operator`: the real process for that namespace, as its service
account; `make_operator`: another one, or one with other settings.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.operator.api import Api
from tests.operator.hands import Hands, at_work
from tests.operator.light import Ring, light_ring
from tests.operator.place import Place
from tests.operator.processes import Operator
from tests.support.stack import TestStack, create_database, drop_database

QUICK = {
    "MIGRATOR_RESYNC_S": "1",
    "MIGRATOR_POLL_S": "0.5",
    "MIGRATOR_GRACE_S": "2",
    "MIGRATOR_PULSE_S": "1",
    "MIGRATOR_DEAF_S": "5",
    "LISTEN_ADDRESS": "127.0.0.1",
}


class MakeOperator(Protocol):
    """Starts an operator, alive when it returns, ended after the test."""

    async def __call__(
        self, name: str = ..., kubeconfig: Path | None = None, **settings: str
    ) -> Operator: ...


@pytest.fixture(scope="session")
def light(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    """The light ring of this session."""
    with light_ring(tmp_path_factory.mktemp("light")) as ring:
        yield ring


@pytest.fixture(scope="session")
def hands(light: Ring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hands]:
    """Who runs the pods."""
    with at_work(light.kubeconfig, tmp_path_factory.mktemp("hands")) as hands:
        yield hands


@pytest.fixture
async def place(light: Ring, stack: TestStack, hands: Hands) -> AsyncIterator[Place]:
    """A namespace and an empty database."""
    database = create_database(stack, f"o_{uuid.uuid4().hex[:12]}")
    with light.cluster.namespace("t") as namespace:
        async with Api.of(light.kubeconfig) as api:
            yield Place(api, namespace, database)
    drop_database(stack, database.name)


@pytest.fixture
def make_operator(light: Ring, place: Place, tmp_path: Path) -> Iterator[MakeOperator]:
    """Starts operators of the test's namespace."""
    made: list[Operator] = []

    async def make(
        name: str = "operator", kubeconfig: Path | None = None, **settings: str
    ) -> Operator:
        environment = QUICK | {
            "KUBECONFIG": str(kubeconfig or light.operator),
            "MIGRATOR_NAMESPACES": place.namespace,
        }
        made.append(Operator(environment | settings, tmp_path, name))
        await made[-1].start()
        return made[-1]

    yield make
    for operator in made:
        operator.stop()


@pytest.fixture
async def operator(make_operator: MakeOperator) -> Operator:
    """The operator of the test's namespace."""
    return await make_operator()
