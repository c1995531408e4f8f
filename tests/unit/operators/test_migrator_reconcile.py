"""One look at a resource, the API server being played: what is told, written and in which order."""

from typing import Any, cast

import pytest

from operators.migrator.kube import ApiUnavailable, Kube
from operators.migrator.reconcile import Reconciler
from operators.migrator.settings import MigratorSettings
from operators.migrator.slots import Slots
from operators.migrator.status import condition
from services.common import metrics
from services.common.config import load

KEY = ("team", "orders")
Json = dict[str, Any]


class Server:
    """Has one SchemaMigration, of a newer CRD; `away` is for how many writes it does not answer."""

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.told: dict[str, str] = {}
        self.resource: Json = {
            "metadata": {
                "namespace": KEY[0], "name": KEY[1], "uid": "u", "generation": 1,
                "resourceVersion": "41",
            },
            "spec": {"database": {"secretRef": {"name": "db"}}, "source": {"git": "x"},
                     "policy": {"lint": "strict"}},
        }  # fmt: skip

    async def migration(self, namespace: str, name: str) -> Json:
        assert (namespace, name) == KEY
        return self.resource

    async def tell(self, event: Json) -> None:
        self.told[event["metadata"]["name"]] = event["reason"]

    async def patch_status(self, seen: Json, patch: Json) -> Json:
        if self.away:
            self.away -= 1
            raise ApiUnavailable
        meta = {**seen["metadata"], "resourceVersion": "42"}
        self.resource = {**seen, "metadata": meta, "status": patch}
        return self.resource


def reconciler(server: Server) -> Reconciler:
    return Reconciler(cast(Kube, server), load(MigratorSettings), Slots(1, lambda _: None))


async def test_a_crash_before_the_status_is_written_loses_no_event_and_doubles_none() -> None:
    server = Server(away=1)
    with pytest.raises(ApiUnavailable):
        await reconciler(server).look(KEY)
    assert list(server.told.values()) == ["InternalError"]
    await reconciler(server).look(KEY)
    assert list(server.told.values()) == ["InternalError"]
    assert condition(server.resource["status"], "Stalled")


async def test_a_spec_that_is_not_understood_is_told_once_and_not_measured_as_ready() -> None:
    server = Server()
    metrics.migration_ready.labels(*KEY).set(1)
    looks = reconciler(server)
    await looks.look(KEY)
    await looks.look(KEY)
    assert list(server.told.values()) == ["InternalError"]
    ready = condition(server.resource["status"], "Ready")
    assert ready and ready["reason"] == "InternalError" and "spec.policy.lint" in ready["message"]
    assert metrics.migration_ready.labels(*KEY)._value.get() == 0
