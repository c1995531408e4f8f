"""The health rule for Argo CD that operators/README.md gives, for every reason there is."""

import pytest

from operators.migrator.status import BY_WISH, READY, STALLED, Reason, settle
from tests.operator.argo import Argo
from tests.unit.operators.looks import NOW


@pytest.fixture(scope="module")
def argo() -> Argo:
    return Argo()


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_its_health(argo: Argo, reason: Reason) -> None:
    expected = "Progressing"
    for group, health in ((READY, "Healthy"), (BY_WISH, "Suspended"), (STALLED, "Degraded")):
        expected = health if reason in group else expected
    status = settle({}, reason, "It is so.", 2, NOW)
    found = argo.health({"metadata": {"generation": 2}, "status": status})
    assert found == (expected, "It is so.")


@pytest.mark.parametrize("reason", Reason)
def test_a_status_of_an_older_spec_is_not_believed(argo: Argo, reason: Reason) -> None:
    status = settle({}, reason, "It was so.", 1, NOW)
    health, said = argo.health({"metadata": {"generation": 2}, "status": status})
    assert health == "Progressing" and said != "It was so."


@pytest.mark.parametrize("status", [None, {}, {"observedGeneration": 1}])
def test_what_was_not_looked_at_is_progressing(argo: Argo, status: dict[str, int] | None) -> None:
    resource = {"metadata": {"generation": 1}} | ({} if status is None else {"status": status})
    assert argo.health(resource)[0] == "Progressing"
