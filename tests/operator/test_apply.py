"""From `kubectl apply` to Ready, and that nothing runs when nothing changed."""

import asyncio

from migrations.files import SQL_DIR, load
from tests.operator.files import ran, table, tables
from tests.operator.light import Ring
from tests.operator.place import Place, condition, eventually, is_over, is_true, lasting
from tests.operator.processes import Operator


async def test_a_pending_migration_is_applied_and_read_back(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(2))
    status = await place.ready()
    assert (status["currentVersion"], status["targetVersion"]) == (2, 2)
    assert condition(status, "Ready")["reason"] == "Applied"
    assert [one["version"] for one in status["applied"]] == [1, 2]
    assert all(one["ms"] >= 0 for one in status["applied"])
    assert ran(place.database) == ["0001_t1", "0002_t2"]


async def test_each_step_is_an_event(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    (job,) = await place.jobs()
    await place.told("AttemptStarted", job["metadata"]["name"])
    await place.told("MigrationsRun", "0001_t1")
    await place.told("Applied")


async def test_the_default_policy_takes_ordinary_files(place: Place, operator: Operator) -> None:
    await place.start(tables(2), quick=False)
    status = await place.ready()
    assert is_true(status, "Linted"), status


async def test_a_target_below_the_newest_file_is_where_it_stops(
    place: Place, operator: Operator
) -> None:
    await place.start(tables(3), targetVersion=2)
    status = await place.ready()
    assert (status["currentVersion"], status["targetVersion"]) == (2, 2)
    assert place.version() == 2
    await place.apply(targetVersion=3)
    await place.ready(currentVersion=3)


async def test_our_image_brings_its_own_files(place: Place, operator: Operator) -> None:
    await place.secret(place.database.direct_url)
    await place.apply(source={"image": "localhost/ucc-intel/operator:test"})
    status = await place.ready()
    assert status["currentVersion"] == len(load(SQL_DIR)) == place.version()


async def test_a_new_file_in_the_source_is_applied(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready(currentVersion=1)
    await place.files(tables(2))
    await place.ready(currentVersion=2)
    assert ran(place.database) == ["0001_t1", "0002_t2"]


async def test_nothing_runs_and_nothing_is_written_while_nothing_changes(
    place: Place, own_operator: Operator
) -> None:
    await place.start(tables(2))
    await place.ready()
    before = await place.unwritten(own_operator)
    jobs = [job["metadata"]["uid"] for job in await place.jobs()]
    assert await place.unwritten(own_operator) == before, "it read the database back again"
    assert [job["metadata"]["uid"] for job in await place.jobs()] == jobs


async def test_an_operator_that_is_started_again_runs_nothing(
    place: Place, own_operator: Operator
) -> None:
    await place.start(tables(2))
    await place.ready()
    await place.unwritten(own_operator)
    before = await place.status()
    jobs = [job["metadata"]["uid"] for job in await place.jobs()]

    own_operator.stop()
    await own_operator.start()
    await place.unwritten(own_operator)
    after = await place.status()
    assert [job["metadata"]["uid"] for job in await place.jobs()] == jobs
    assert lasting(after) == lasting(before)
    assert ran(place.database) == ["0001_t1", "0002_t2"]


async def test_a_finished_job_that_is_deleted_is_not_run_again(
    place: Place, own_operator: Operator
) -> None:
    await place.start(table(1))
    await place.ready()
    for job in await place.jobs():
        await place.delete("jobs", job["metadata"]["name"])
    own_operator.stop()
    await own_operator.start()
    await place.unwritten(own_operator)
    assert await place.jobs() == []
    assert is_true(await place.status(), "Ready")


async def test_the_job_is_made_as_agreed(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()

    async def over() -> bool:
        return all(map(is_over, await place.jobs()))

    await eventually(over, "the Job is over, a moment after its container")
    (job,) = await place.jobs()
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert job["metadata"]["name"].startswith("app-g1-a1-")
    assert job["metadata"]["ownerReferences"][0]["kind"] == "SchemaMigration"
    assert (spec["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    assert spec["ttlSecondsAfterFinished"] >= 86400
    assert spec["activeDeadlineSeconds"] == 120
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert "livenessProbe" not in container
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert place.database.direct_url not in str(job), "the DSN is read from the Secret by the pod"


async def test_kubectl_waits_for_it_unaided(light: Ring, place: Place, operator: Operator) -> None:
    await place.start(table(1))
    said = await asyncio.to_thread(
        light.kubectl,
        "wait",
        "-n",
        place.namespace,
        "--for=condition=Ready",
        "--timeout=90s",
        "sm/app",
    )
    assert "condition met" in said


async def test_kubectl_get_shows_how_it_stands(
    light: Ring, place: Place, operator: Operator
) -> None:
    await place.start(table(1))
    await place.ready()
    header, line = light.kubectl("get", "-n", place.namespace, "sm").splitlines()
    assert header.split() == ["NAME", "READY", "REASON", "VERSION", "TARGET", "AGE"]
    assert line.split()[:5] == ["app", "True", "Applied", "1", "1"]
