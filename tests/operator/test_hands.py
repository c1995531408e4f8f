"""The stand-in of the kubelet, held to what the tests of the operator take from it."""

from collections.abc import Iterator

import pytest

from tests.operator.api import Object, path
from tests.operator.files import tables
from tests.operator.hands import IMAGE_GONE, Hands
from tests.operator.place import KEY, Place, eventually, is_over

REPORT = "/dev/termination-log"
SAY = "import sys,time; print('working', flush=True); open(sys.argv[1], 'w').write('told')"
SLOW = f"{SAY}; time.sleep(60)"


def job(place: Place, code: str, **more: object) -> Object:
    """A Job whose container runs `code`."""
    container = {
        "name": "migrate",
        "image": "localhost/any:1",
        "command": ["python", "-c"],
        "args": [code, REPORT],
    }
    pod = {"restartPolicy": "Never", "containers": [container]}
    spec = {"backoffLimit": 0, "template": {"spec": pod}, **more}
    return {"metadata": {"name": "j", "namespace": place.namespace}, "spec": spec}


async def start(place: Place, body: Object) -> None:
    """Give the Job to the API server."""
    await place.api.create(path("jobs", place.namespace), body)


async def ended(place: Place) -> Object:
    """The only pod once its container ended."""

    async def over() -> bool:
        return [is_over(job) for job in await place.jobs()] == [True]

    await eventually(over, "the Job is over")
    (pod,) = await place.pods()
    return pod


async def started(place: Place, hands: Hands) -> Object:
    """The only pod once its container runs and said so."""

    async def running() -> bool:
        return [pod["status"].get("phase") for pod in await place.pods()] == ["Running"]

    await eventually(running, "the pod runs")
    (pod,) = await place.pods()

    async def said() -> bool:
        return "working" in await log(place, pod)

    await eventually(said, "it said so in its log")
    return pod


async def log(place: Place, pod: Object) -> str:
    """The pod's log as kubectl gets it."""
    return await place.api.text(path("pods", place.namespace, pod["metadata"]["name"], "log"))


def terminated(pod: Object) -> Object:
    """How the container ended."""
    found: Object = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return found


async def test_a_command_runs_and_leaves_its_message_and_log(place: Place, hands: Hands) -> None:
    await start(place, job(place, SAY))
    pod = await ended(place)
    assert pod["status"]["phase"] == "Succeeded"
    assert terminated(pod)["exitCode"] == 0
    assert terminated(pod)["message"] == "told"
    assert await log(place, pod) == "working\n"


async def test_an_exit_code_fails_the_job(place: Place, hands: Hands) -> None:
    await start(place, job(place, f"{SAY}; sys.exit(3)"))
    pod = await ended(place)
    assert (pod["status"]["phase"], terminated(pod)["exitCode"]) == ("Failed", 3)


async def test_a_deleted_pod_is_asked_to_stop_and_then_made_to(place: Place, hands: Hands) -> None:
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLOW}"
    body = job(place, deaf)
    body["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 1
    await start(place, body)
    pod = await started(place, hands)
    await place.delete("pods", pod["metadata"]["name"])

    async def gone() -> bool:
        return await place.pods() == []

    await eventually(gone, "the pod is gone")
    assert not hands.busy(place.namespace)


async def test_the_job_controller_ends_what_takes_too_long(place: Place, hands: Hands) -> None:
    await start(place, job(place, SLOW))
    await started(place, hands)
    late = {"spec": {"activeDeadlineSeconds": 1}}
    await place.api.patch(path("jobs", place.namespace, "j"), late)

    async def over() -> bool:
        return [is_over(job) for job in await place.jobs()] == [True]

    await eventually(over, "the Job is over")
    assert not hands.busy(place.namespace)


async def test_an_evicted_pod_says_so(place: Place, hands: Hands) -> None:
    await start(place, job(place, SLOW))
    await started(place, hands)
    hands.evict(place.namespace)
    pod = await ended(place)
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "Evicted")


async def test_a_container_out_of_memory_says_so(place: Place, hands: Hands) -> None:
    await start(place, job(place, SLOW))
    await started(place, hands)
    hands.oom(place.namespace)
    pod = await ended(place)
    assert (terminated(pod)["reason"], terminated(pod)["exitCode"]) == ("OOMKilled", 137)


@pytest.fixture
def no_image(place: Place, hands: Hands) -> Iterator[None]:
    """No image can be had in this namespace."""
    hands.no_image.add(place.namespace)
    yield
    hands.no_image.discard(place.namespace)


async def test_an_image_that_cannot_be_had_keeps_the_pod_waiting(
    place: Place, hands: Hands, no_image: None
) -> None:
    await start(place, job(place, SAY))

    async def waiting() -> bool:
        return [
            pod["status"].get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
            for pod in await place.pods()
        ] == [{"reason": IMAGE_GONE, "message": "Back-off pulling image 'localhost/any:1'"}]

    await eventually(waiting, "the pod waits for its image")


async def test_secrets_and_config_maps_reach_the_container(place: Place, hands: Hands) -> None:
    """As the operator's Job has it: a pod may come before its Secret."""
    await place.files(tables(1))
    body = job(place, "")
    pod = body["spec"]["template"]["spec"]
    ref = {"secretKeyRef": {"name": "db", "key": KEY}}
    pod["volumes"] = [{"name": "files", "configMap": {"name": "sql"}}]
    pod["containers"][0] |= {
        "command": ["python", "-m", "migrations"],
        "args": ["--dir", "/migrations", "up"],
        "env": [{"name": KEY, "valueFrom": ref}],
        "volumeMounts": [{"name": "files", "mountPath": "/migrations"}],
    }
    await start(place, body)

    async def waiting() -> bool:
        return "CreateContainerConfigError" in str(await place.pods())

    await eventually(waiting, "the pod waits for its Secret")
    await place.secret(place.database.direct_url)
    assert (await ended(place))["status"]["phase"] == "Succeeded"
    assert place.version() == 1
