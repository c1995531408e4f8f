"""What a node does to the pod of a migration: it is deleted, evicted, killed by its limits."""

import asyncio

from tests.cluster.image import PAUSE
from tests.e2e.operator.installed import IMAGE, Installed
from tests.operator.api import Object, path
from tests.operator.bystanders import at_work, holding, left
from tests.operator.files import held, joined, pair, ran, table, tables
from tests.operator.place import KEY, Place, condition, eventually

FILES = joined(table(1), held(2))
PATIENT = {"limit": 5}


async def pod_at_work(place: Place) -> tuple[str, str]:
    """(the pod's name, its session) once the second file runs in the database."""
    session = await at_work(place)
    (pod,) = await place.pods()
    return str(pod["metadata"]["name"]), session


async def applied_by_the_second_attempt(place: Place) -> None:
    """Ready, each file having been committed once."""
    status = await place.ready(currentVersion=2)
    assert status["attempt"] == 2
    assert ran(place.database) == ["0001_t1", "0002_held"]


async def test_a_deleted_pod(place: Place, migrator: Installed) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        name, session = await pod_at_work(place)
        await place.delete("pods", name)
        await left(place, session)
    await applied_by_the_second_attempt(place)


async def test_a_pod_deleted_by_force(place: Place, migrator: Installed) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        name, session = await pod_at_work(place)
        await place.delete("pods", name, grace=0)
        await left(place, session)
    await applied_by_the_second_attempt(place)


async def test_an_evicted_pod(place: Place, migrator: Installed) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        name, session = await pod_at_work(place)
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": place.namespace},
        }
        await place.api.create(path("pods", place.namespace, name, "eviction"), body)
        await left(place, session)
    await applied_by_the_second_attempt(place)


async def test_a_container_over_its_memory_limit(place: Place, migrator: Installed) -> None:
    limits = {"requests": {"memory": "12Mi"}, "limits": {"memory": "12Mi"}}
    await place.start(tables(2), retries={"limit": 0}, job={"resources": limits})
    status = await place.stalled("JobLost")
    assert "memory" in condition(status, "Stalled")["message"]
    enough = {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    await place.apply(job={"resources": enough})
    await place.ready(currentVersion=2)


async def test_the_kubelet_ends_what_takes_too_long(place: Place, migrator: Installed) -> None:
    await place.start(table(1))
    await place.ready(currentVersion=1)
    await place.apply(suspend=True)
    slow = pair("0002_slow", "SELECT pg_sleep(1);\n" * 300)
    await place.files(joined(table(1), slow))
    timeouts = {"overallSeconds": 6, "statementSeconds": 6}
    await place.apply(timeouts=timeouts, retries={"limit": 0})
    await place.stalled("DeadlineExceeded")
    await eventually(place.idle, "the killed attempt left the database")
    assert place.version() == 1


async def test_an_image_that_is_not_there(place: Place, migrator: Installed) -> None:
    missing = {"image": "localhost/ucc-intel/nowhere:1"}
    await place.secret(place.database.direct_url)
    never = {"imagePullPolicy": "Never"}
    await place.apply(source=missing, job=never, retries={"limit": 0})
    status = await place.stalled("ImageUnavailable")
    assert "nowhere" in condition(status, "Stalled")["message"]


async def test_an_image_without_the_runner(place: Place, migrator: Installed) -> None:
    await place.secret(place.database.direct_url)
    never = {"imagePullPolicy": "Never"}
    await place.apply(source={"image": PAUSE}, job=never, retries={"limit": 0})
    status = await place.stalled("ImageUnavailable", seconds=90)
    assert "python" in condition(status, "Stalled")["message"]


def gated(place: Place) -> Object:
    """A Deployment of ours, held by the gate until the schema is at version 1."""
    ref = {"secretKeyRef": {"name": "db", "key": KEY}}
    gate = ["python", "-m", "migrations", "wait", "--min", "1", "--timeout", "600"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "gated"}},
            "template": {
                "metadata": {"labels": {"app": "gated"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "initContainers": [
                        {
                            "name": "schema-gate",
                            "image": IMAGE,
                            "imagePullPolicy": "Never",
                            "command": gate,
                            "env": [{"name": KEY, "valueFrom": ref}],
                        }
                    ],
                    "containers": [
                        {
                            "name": "main",
                            "image": IMAGE,
                            "imagePullPolicy": "Never",
                            "command": ["sleep", "3600"],
                        }
                    ],
                },
            },
        },
    }


async def available(place: Place, name: str) -> bool:
    """Whether a Deployment has its pods."""
    found = await place.api.get(path("deployments", place.namespace, name))
    return bool(found.get("status", {}).get("availableReplicas"))


async def test_the_gate_holds_pods_until_ready_and_needs_no_job_after(
    place: Place, migrator: Installed
) -> None:
    await place.secret(place.database.direct_url)
    await place.put("deployments", "gated", gated(place))

    async def held() -> bool:
        return any(
            "running" in status.get("state", {})
            for pod in await place.pods()
            for status in pod["status"].get("initContainerStatuses", ())
        )

    await eventually(held, "the gate runs")
    await asyncio.sleep(3)
    assert not await available(place, "gated")
    await place.files(table(1))
    await place.apply()
    await place.ready()
    await eventually(lambda: available(place, "gated"), "the gate let the pod through")

    for job in await place.jobs():
        await place.delete("jobs", job["metadata"]["name"])
    (before,) = [p for p in await place.pods() if p["metadata"]["labels"].get("app") == "gated"]
    await place.delete("pods", before["metadata"]["name"])

    async def another() -> bool:
        pods = {p["metadata"]["uid"] for p in await place.pods()}
        return before["metadata"]["uid"] not in pods and await available(place, "gated")

    await eventually(another, "a new pod starts without any Job")
    assert await place.jobs() == []
