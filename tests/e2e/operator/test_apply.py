"""From `kubectl apply` to Ready on a node, and what the operator costs when nothing changes."""

import asyncio
import time

from tests.cluster.full import Cluster
from tests.e2e.operator.installed import IMAGE, Installed
from tests.operator.bystanders import at_work, holding
from tests.operator.files import held, joined, pair, ran, table, tables
from tests.operator.place import Place, condition, is_true

READY_S = 15.0
NO_OP_S = 0.3
LOOKS = 20


async def test_apply_to_ready(place: Place, migrator: Installed) -> None:
    await place.secret(place.database.direct_url)
    await place.files(table(1))
    began = time.monotonic()
    await place.apply(quick=False)
    status = await place.ready()
    took = time.monotonic() - began
    print(f"kubectl apply to Ready with one pending migration: {took:.1f} s")
    assert status["currentVersion"] == 1
    assert ran(place.database) == ["0001_t1"]
    assert took < READY_S


async def test_a_look_at_what_did_not_change_is_cheap(place: Place, migrator: Installed) -> None:
    await place.start(table(1))
    await place.ready()
    await place.quiet()
    before = migrator.metrics()
    for number in range(LOOKS):
        await place.annotate(touched=str(number))
        await asyncio.sleep(0.3)
    after = migrator.metrics()
    grew = {key: after[key] - before[key] for key in before if "reconcile_seconds" in key}
    looks = grew["ucc_migrator_reconcile_seconds_count"]
    mean = grew["ucc_migrator_reconcile_seconds_sum"] / looks
    print(f"a look without work: {mean * 1000:.0f} ms on average of {looks:.0f}")
    assert looks >= LOOKS / 2
    assert mean < NO_OP_S
    assert len(await place.jobs()) == 1


async def test_a_dry_run_brings_the_plan_from_the_pods_log(
    place: Place, migrator: Installed
) -> None:
    await place.start(table(1))
    await place.ready()
    await place.files(joined(table(1), pair("0002_note", "ALTER TABLE t1 ADD note text;\n")))
    await place.apply(dryRun=True)
    status = await place.until(lambda status: bool(status.get("plan")), "the plan is there")
    (file,) = status["plan"]["files"]
    assert file["file"] == "0002_note.up.sql"
    assert any(lock["mode"] == "AccessExclusiveLock" for lock in file["locks"])
    assert place.version() == 1


async def test_our_image_brings_its_own_files(place: Place, migrator: Installed) -> None:
    await place.secret(place.database.direct_url)
    await place.apply(source={"image": IMAGE}, targetVersion=3)
    await place.ready(currentVersion=3)


async def test_jobs_run_in_a_namespace_with_restricted_pod_security(
    cluster: Cluster, place: Place, migrator: Installed
) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", place.namespace, label)
    await place.start(table(1))
    await place.ready(currentVersion=1)


async def test_the_operator_that_is_moved_goes_on(
    cluster: Cluster, place: Place, migrator: Installed
) -> None:
    async with holding(place):
        await place.start(joined(table(1), held(2)))
        await at_work(place)
        pod = ("pod", "-n", "ucc-intel-system", migrator.pod())
        cluster.kubectl("delete", *pod, "--grace-period=0", "--force")
        migrator.wait()
    status = await place.ready(currentVersion=2)
    assert status["attempt"] == 1
    assert ran(place.database) == ["0001_t1", "0002_held"]


async def test_many_files_in_one_go(place: Place, migrator: Installed) -> None:
    await place.start(tables(30))
    status = await place.ready(currentVersion=30)
    assert condition(status, "Ready")["reason"] == "Applied"
    assert not is_true(status, "Stalled")
