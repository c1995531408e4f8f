"""Fixtures of the operator's tests: API server and operator of a session, a place for each test.

`light`: the API server with what operators/install brings. `hands`: who runs its pods. `place`: a
namespace and an empty database. `operator`: the real process as its service account, shared: let
it run. `own_operator`: one that serves the test's namespace alone, to be killed and measured;
`make_operator`: several, or one with other settings.
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
    "MIGRATOR_RESYNC_S": "0.5",
    "MIGRATOR_POLL_S": "0.3",
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


class Shared:
    """The operator of all namespaces; at rest while a test wants none, or its own."""

    def __init__(self, light: Ring, folder: Path) -> None:
        self._light, self._folder = light, folder
        self._operator: Operator | None = None

    async def serving(self) -> Operator:
        """The operator, alive; one that ended by itself is a failure."""
        if self._operator is None:
            environment = QUICK | {"KUBECONFIG": str(self._light.operator)}
            self._operator = Operator(environment, self._folder, "shared")
            await self._operator.start()
        assert self._operator.running, self._operator.log.read_text()[-4000:]
        return self._operator

    def rest(self) -> None:
        """Stop it; the next test that asks for it starts another."""
        if self._operator is not None:
            self._operator.stop()
            self._operator = None


@pytest.fixture(scope="session")
def shared(light: Ring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Keeps the operator that tests share."""
    keeper = Shared(light, tmp_path_factory.mktemp("operator"))
    yield keeper
    keeper.rest()


@pytest.fixture
async def place(
    request: pytest.FixtureRequest, light: Ring, stack: TestStack, hands: Hands, shared: Shared
) -> AsyncIterator[Place]:
    """A namespace and an empty database; nobody serves it but the operator that is asked for."""
    if "operator" not in request.fixturenames:
        shared.rest()
    database = create_database(stack, f"o_{uuid.uuid4().hex[:12]}")
    async with Api.of(light.kubeconfig) as api, api.namespace() as name:
        yield Place(api, name, database)
    drop_database(stack, database.name)


@pytest.fixture
async def operator(shared: Shared, place: Place) -> Operator:
    """The operator of all namespaces, which other tests use after this one."""
    return await shared.serving()


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
async def own_operator(make_operator: MakeOperator) -> Operator:
    """The only operator of the test's namespace, and of no other."""
    return await make_operator()
