"""Conditions as kstatus has them, at every moment: what Argo CD and Flux compute from a status."""

import asyncio
from contextlib import aclosing
from pathlib import Path

from operators.migrator.status import BY_WISH, READY, STALLED, WORKING, Finding, Reason
from tests.operator.api import Object, path
from tests.operator.argo import Argo
from tests.operator.conftest import MakeOperator
from tests.operator.files import joined, note, pair, table
from tests.operator.place import Place, condition, eventually, is_true
from tests.operator.processes import Operator
from tests.stack.config import REPO

README = Path(REPO / "operators" / "README.md")


def test_each_reason_is_explained_with_its_remedy() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| `")]
    explained: dict[str, str] = {}
    for row in rows:
        explained.setdefault(row.split("`")[1], row)
    for reason in [*Reason, *Finding]:
        assert str(reason) in explained, f"{reason} is not explained in operators/README.md"
    for reason in STALLED:
        assert len(explained[str(reason)].split("|")[-2].strip()) > 20, f"{reason} has no remedy"


def test_each_reason_says_one_thing() -> None:
    groups = [READY, WORKING, BY_WISH, STALLED]
    assert sum(map(len, groups)) == len(Reason)
    assert frozenset().union(*groups) == frozenset(Reason)


async def test_at_every_moment_the_conditions_agree(place: Place, operator: Operator) -> None:
    seen: list[Object] = []
    watching = asyncio.create_task(collect(place, seen))
    later = pair("0002_later", "INSERT INTO later VALUES (1);\n" + note("0002_later"))
    await place.start(joined(table(1), later))
    await place.stalled("StatementFailed")
    place.database.psql("CREATE TABLE later (id bigint)")
    await place.annotate(retry="1")
    last = await place.ready()

    async def caught_up() -> bool:
        return bool(seen) and seen[-1].get("status") == last

    await eventually(caught_up, "the watch brought the status that was read")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    kinds = [kstatus(one) for one in seen]
    assert {"InProgress", "Failed", "Current"} <= set(kinds), kinds
    assert kinds[-1] == "Current"
    first_failed = kinds.index("Failed")
    assert "Current" not in kinds[:first_failed], "Ready was told before it was so"
    for one in seen:
        check(one)


async def test_argo_cds_rule_tells_the_same_at_every_moment(
    place: Place, make_operator: MakeOperator
) -> None:
    operator = await make_operator()
    seen: list[Object] = []
    watching = asyncio.create_task(collect(place, seen))
    later = pair("0002_later", "INSERT INTO later VALUES (1);\n" + note("0002_later"))
    await place.start(joined(table(1), later), suspend=True)
    await place.reason("Suspended")
    await place.apply(retries={"backoffSeconds": 600, "backoffCapSeconds": 600})
    await place.reason("Retrying")
    await place.apply(retries={"limit": 0})
    await place.stalled("StatementFailed")
    place.database.psql("CREATE TABLE later (id bigint)")
    await place.annotate(retry="1")
    await place.ready()
    operator.kill()
    await place.apply(targetVersion=2)

    async def unheeded() -> bool:
        generations = [one["metadata"]["generation"] for one in seen]
        return bool(seen) and generations[-1] > seen[-1]["status"]["observedGeneration"]

    await eventually(unheeded, "a spec that nobody saw to is recorded")
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    argo = Argo()
    told = [argo.health(one)[0] for one in seen]
    assert told == [health(one) for one in seen]
    assert {"Suspended", "Progressing", "Degraded", "Healthy"} == set(told)
    reasons = {condition(one.get("status") or {}, "Ready").get("reason") for one in seen}
    assert {"Retrying", "StatementFailed", "Applied", "Suspended"} <= reasons
    assert told[-1] == "Progressing", "Applied, but of the spec before"


def health(resource: Object) -> str:
    """What Argo CD is to say: as kstatus, and Suspended for what is not ready by wish."""
    status = resource.get("status") or {}
    fresh = status.get("observedGeneration") == resource["metadata"]["generation"]
    if fresh and condition(status, "Ready")["reason"] in BY_WISH:
        return "Suspended"
    kinds = {"InProgress": "Progressing", "Failed": "Degraded", "Current": "Healthy"}
    return kinds[kstatus(resource)]


def check(resource: Object) -> None:
    """What must hold of any status that was ever written."""
    status = resource.get("status") or {}
    if not status.get("conditions"):
        return
    ready = condition(status, "Ready")
    assert Reason(ready["reason"]) in Reason
    assert ready["status"] == ("True" if Reason(ready["reason"]) in READY else "False")
    holding = [kind for kind in ("Ready", "Reconciling", "Stalled") if is_true(status, kind)]
    assert len(holding) <= 1, holding
    for kind in ("Reconciling", "Stalled"):
        assert condition(status, kind).get("status") in (None, "True"), "present means True"
    for told in status["conditions"]:
        assert told["message"] and told["lastTransitionTime"] and told["reason"]


def kstatus(resource: Object) -> str:
    """The rules of sigs.k8s.io/cli-utils/pkg/kstatus for a custom resource."""
    status = resource.get("status") or {}
    if status.get("observedGeneration", 0) != resource["metadata"]["generation"]:
        return "InProgress"
    if is_true(status, "Reconciling"):
        return "InProgress"
    if is_true(status, "Stalled"):
        return "Failed"
    return "Current" if is_true(status, "Ready") else "InProgress"


async def collect(place: Place, seen: list[Object]) -> None:
    """Every version of the resource that was ever stored."""
    where = path("schemamigrations", place.namespace)
    async with aclosing(place.api.watch(where, timeoutSeconds="600")) as events:
        async for _, resource in events:
            seen.append(resource)
