"""Contract migrations wait for the code, and the gate holds code that is too old or too new."""

import asyncio
import sys

from services import __version__
from tests.operator.api import GROUP, Object, path
from tests.operator.files import contract, joined, pair, ran, table
from tests.operator.place import Place, condition, is_true
from tests.operator.processes import Operator
from tests.stack.config import REPO

ALLOW = {"allowDestructive": True}
FILES = joined(table(1), contract(2, "1.2.0", "ALTER TABLE t1 DROP COLUMN IF EXISTS old;\n"))
GATE_S = 120


async def deployment(place: Place, name: str, version: str, *, done: bool = True) -> None:
    """A Deployment of our code at `version`, its rollout finished or not."""
    label = {f"{GROUP}/version": version}
    body: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": label},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name} | label},
                "spec": {"containers": [{"name": "api", "image": "localhost/api:1"}]},
            },
        },
    }
    made = await place.put("deployments", name, body)
    ready = 2 if done else 1
    status = {
        "observedGeneration": made["metadata"]["generation"],
        "replicas": 2 if done else 3,
        "updatedReplicas": ready,
        "availableReplicas": 2,
        "readyReplicas": 2,
    }
    where = path("deployments", place.namespace, name, "status")
    await place.api.patch(where, {"status": status})


async def test_it_waits_for_every_deployment_and_names_those_behind(
    place: Place, operator: Operator
) -> None:
    await deployment(place, "prospects", "1.2.0")
    await deployment(place, "jobs", "1.1.9")
    await place.start(FILES, policy=ALLOW)
    status = await place.reason("WaitingForCode")
    assert is_true(status, "Reconciling") and not is_true(status, "Stalled")
    assert status["currentVersion"] == 1, "the expand file before it is applied"
    waiting = status["waitingFor"]
    assert (waiting["file"], waiting["minAppVersion"]) == ("0002_c2.up.sql", "1.2.0")
    assert waiting["deployments"] == [{"name": "jobs", "version": "1.1.9"}]
    message = condition(status, "Reconciling")["message"]
    assert "jobs" in message and "prospects" not in message
    await deployment(place, "jobs", "1.10.0", done=False)
    await asyncio.sleep(3)
    assert ran(place.database) == ["0001_t1"], "the old pods of that rollout still run"
    await deployment(place, "jobs", "1.10.0")
    status = await place.ready(currentVersion=2)
    assert "waitingFor" not in status
    assert ran(place.database) == ["0001_t1", "0002_c2"]


async def test_no_job_is_made_again_while_it_waits_for_code(
    place: Place, operator: Operator
) -> None:
    await deployment(place, "jobs", "1.1.9")
    await place.start(FILES, policy=ALLOW)
    await place.reason("WaitingForCode")
    await place.quiet()
    jobs = len(await place.jobs())
    await asyncio.sleep(3)
    assert len(await place.jobs()) == jobs == 1


async def test_without_deployments_nothing_waits(place: Place, operator: Operator) -> None:
    await place.start(FILES, policy=ALLOW)
    await place.ready(currentVersion=2)


async def test_switched_off_it_does_not_wait(place: Place, operator: Operator) -> None:
    await deployment(place, "jobs", "1.0.0")
    await place.start(FILES, policy=ALLOW, contract={"enabled": False})
    await place.ready(currentVersion=2)


async def gate(place: Place, minimum: int, seconds: float = 0) -> tuple[int, str]:
    """(exit code, what it said) of the init container."""
    words = ["-m", "migrations", "wait", "--min", str(minimum), "--timeout", str(seconds)]
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=REPO,
        env=place.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(GATE_S):
        said, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, said.decode()


async def test_the_gate_opens_when_the_version_is_there(place: Place, operator: Operator) -> None:
    waiting = asyncio.create_task(gate(place, 1, seconds=90))
    await asyncio.sleep(2)
    assert not waiting.done(), "it opened before anything was applied"
    await place.start(table(1))
    code, said = await waiting
    assert code == 0, said
    for job in await place.jobs():
        await place.delete("jobs", job["metadata"]["name"])
    assert (await gate(place, 1))[0] == 0, "it needs no Job to be there"


async def test_the_gate_stays_shut_below_its_version(place: Place, operator: Operator) -> None:
    await place.start(table(1))
    await place.ready()
    code, said = await gate(place, 2)
    assert code == 1 and "0002" in said


async def test_the_gate_stays_shut_for_code_older_than_the_database_allows(
    place: Place, operator: Operator
) -> None:
    major = int(__version__.split(".")[0])
    newer, same = f"{major + 1}.0.0", __version__
    await place.start(joined(table(1), contract(2, same, "SELECT 1;\n")), policy=ALLOW)
    await place.ready(currentVersion=2)
    assert (await gate(place, 1))[0] == 0
    files = joined(table(1), contract(2, same, "SELECT 1;\n"), contract(3, newer, "SELECT 1;\n"))
    await place.files(files)
    await place.ready(currentVersion=3)
    code, said = await gate(place, 1)
    assert code == 1 and newer in said and __version__ in said


async def test_the_gate_stays_shut_while_something_is_in_doubt(
    place: Place, operator: Operator
) -> None:
    vacuum = pair("0002_vacuum", "-- transaction: false\n\nVACUUM t1;\n")
    await place.start(joined(table(1), vacuum))
    await place.ready(currentVersion=2)
    place.database.psql("UPDATE schema_migrations SET state = 'started' WHERE version = 2")
    code, said = await gate(place, 2)
    assert code == 1 and "doubt" in said
