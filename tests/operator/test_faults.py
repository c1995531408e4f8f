"""What breaks at night: Jobs and pods that vanish, nodes that fail, kills, an API server away.

The second file runs until the test has broken something, so nothing depends on who is quicker.
"""

import asyncio
import random
from collections.abc import Callable

import pytest

from tests.operator.bystanders import at_work, holding, left
from tests.operator.conftest import MakeOperator
from tests.operator.files import held, joined, note, pair, ran, table, tables
from tests.operator.hands import Hands
from tests.operator.light import Ring
from tests.operator.place import Place, condition, eventually, is_true
from tests.operator.processes import Operator

FILES = joined(table(1), held(2))
PATIENT = {"limit": 5}
KILLS = 5
LIFE_S = 2.0
"""A little more than what a small migration takes from its start to Ready."""


async def applied_once(place: Place, attempt: int | None = None) -> None:
    """Ready, each file having run once."""
    status = await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_held"]
    assert attempt is None or status["attempt"] == attempt


async def test_a_deleted_job_is_made_again(place: Place, operator: Operator) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        session = await at_work(place)
        (job,) = await place.jobs()
        await place.delete("jobs", job["metadata"]["name"])
        await left(place, session)
    await applied_once(place)
    assert job["metadata"]["uid"] not in [j["metadata"]["uid"] for j in await place.jobs()]


async def test_jobs_that_are_always_deleted_stall(place: Place, operator: Operator) -> None:
    async with holding(place):
        await place.start(FILES, retries={"limit": 1})
        for _ in range(2):
            session = await at_work(place)
            for job in await place.jobs():
                await place.delete("jobs", job["metadata"]["name"])
            await left(place, session)
        status = await place.stalled("JobLost")
    assert "ucc-intel.io/retry" in condition(status, "Stalled")["message"]


async def test_a_deleted_pod_is_an_attempt_that_failed(place: Place, operator: Operator) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        session = await at_work(place)
        (pod,) = await place.pods()
        await place.delete("pods", pod["metadata"]["name"])
        await left(place, session)
    await applied_once(place, attempt=2)


@pytest.mark.parametrize("end", [Hands.evict, Hands.oom, Hands.crash])
async def test_a_pod_that_the_node_ends_is_tried_again(
    place: Place, operator: Operator, hands: Hands, end: Callable[[Hands, str], None]
) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        session = await at_work(place)
        end(hands, place.namespace)
        await left(place, session)
    await applied_once(place, attempt=2)


async def test_an_image_that_never_comes_stalls_and_says_so(
    place: Place, operator: Operator, hands: Hands
) -> None:
    hands.no_image.add(place.namespace)
    await place.start(table(1), retries={"limit": 0})
    status = await place.stalled("ImageUnavailable")
    assert "image" in condition(status, "Stalled")["message"]
    hands.no_image.discard(place.namespace)
    await place.annotate(retry="the image is there")
    await place.ready(currentVersion=1)


async def test_killed_at_any_moment_each_file_runs_once(
    place: Place, own_operator: Operator
) -> None:
    dice, newest = random.Random(6), 1
    own_operator.kill()
    await place.start(tables(newest))
    for number in range(KILLS):
        await own_operator.start()
        await asyncio.sleep(LIFE_S * (number + dice.random()) / KILLS)
        own_operator.kill()
        if (await place.status()).get("currentVersion") == newest:
            newest += 1
            await place.files(tables(newest))
    await own_operator.start()
    await place.ready(currentVersion=newest)
    assert ran(place.database) == [f"{number:04d}_t{number}" for number in range(1, newest + 1)]
    assert len(await place.jobs()) == newest, "an operator that is started again finds its Job"


async def test_killed_while_it_waits_to_try_again(place: Place, own_operator: Operator) -> None:
    later = pair("0002_later", "INSERT INTO later VALUES (1);\n" + note("0002_later"))
    await place.start(
        joined(table(1), later), retries={"limit": 9, "backoffSeconds": 2, "backoffCapSeconds": 2}
    )
    await place.reason("Retrying")
    own_operator.kill()
    place.database.psql("CREATE TABLE later (id bigint)")
    await own_operator.start()
    status = await place.ready(currentVersion=2)
    assert status["attempt"] >= 2
    assert ran(place.database) == ["0001_t1", "0002_later"]


async def test_an_api_server_that_dies_and_comes_back(
    light: Ring, place: Place, own_operator: Operator
) -> None:
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        await at_work(place)
        await asyncio.to_thread(light.cluster.kill, "apiserver")
        await asyncio.to_thread(light.cluster.wait_ready, "apiserver")
    await applied_once(place, attempt=1)
    await place.files(joined(FILES, table(3)))
    await place.ready(currentVersion=3)


async def test_two_operators_do_what_one_does(place: Place, make_operator: MakeOperator) -> None:
    first, second = await make_operator("first"), await make_operator("second")
    async with holding(place):
        await place.start(FILES, retries=PATIENT)
        await at_work(place)
    await applied_once(place, attempt=1)
    assert len(await place.jobs()) == 1
    await place.files(joined(FILES, table(3)))
    await place.ready(currentVersion=3)
    assert ran(place.database) == ["0001_t1", "0002_held", "0003_t3"]
    assert len(await place.jobs()) == 2
    first.kill()
    await place.files(joined(FILES, tables(2, first=3)))
    await place.ready(currentVersion=4)
    assert second.running


async def test_a_job_that_says_it_is_done_and_did_nothing_is_not_believed(
    place: Place, operator: Operator, hands: Hands
) -> None:
    hands.liars[place.namespace] = (
        '{"outcome": "applied", "code": null, "retryable": false, "message": "", "version": 1,'
        ' "target": 1, "checksum": "", "applied": []}'
    )
    await place.start(table(1))
    status = await place.until(
        lambda status: status.get("attempt", 0) >= 2 or is_true(status, "Stalled"),
        "the first attempt is over",
    )
    assert not is_true(status, "Ready")
    await asyncio.sleep(2)
    assert not is_true(await place.status(), "Ready")
    del hands.liars[place.namespace]
    await place.annotate(retry="honestly")
    await place.ready(currentVersion=1)


async def test_deletion_while_it_runs_ends_the_run_and_leaves_nothing(
    place: Place, operator: Operator
) -> None:
    async with holding(place):
        await place.start(FILES)
        await at_work(place)
        await place.delete("schemamigrations", "app")

        async def gone() -> bool:
            return not await place.exists() and not await place.jobs() and not await place.pods()

        await eventually(gone, "resource, Job and pod are gone")
        await eventually(lambda: place.idle(), "the session ended with the pod")
    assert place.version() == 1
    assert ran(place.database) == ["0001_t1"], "the running file was rolled back"
