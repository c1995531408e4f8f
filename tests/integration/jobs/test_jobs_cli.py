"""The command line over the ledger: what a person may do to a job."""

import asyncio

import orjson
import pytest

from services.common.db import Database
from services.common.errors import SourceRejected
from services.common.jobs import Done, FanOut, enqueue, enqueue_many
from services.common.kafka.ledger import Claim, Ledger
from services.jobs import cli
from services.jobs.scheduler import seed
from tests.integration.jobs.support import (
    QUEUE,
    context_of,
    done,
    job,
    pool_of,
    row,
    sql,
    states,
    until_state,
)
from tests.support.stack import TestDatabase


@pytest.fixture
def ledger(db: Database) -> Ledger:
    return Ledger(db, "w")


@pytest.fixture
def command(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> "Command":
    monkeypatch.setenv("DATABASE_URL", database.url)
    return Command(capsys)


class Command:
    """Runs a command as a process would; 0 and its output, or 1 and the reason."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    async def __call__(self, *arguments: object) -> tuple[int, str]:
        code = await asyncio.to_thread(cli.main, [str(each) for each in arguments])
        shown = self.capsys.readouterr()
        return code, (shown.err if code else shown.out)


async def failed_family(ledger: Ledger) -> tuple[int, int, int]:
    """A parent that is dead because one of its two children is; their ids."""
    parent = await enqueue(ledger.db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child"), job("child")]))
    bad, good = await ledger.claim(QUEUE, 2)
    await ledger.fail(bad.job, SourceRejected("410"))
    await ledger.record(good.job, Done())
    await ledger.settle([parent])
    (again,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(again.job, await ledger.children_failed(again.job))
    return parent, bad.job.id, good.job.id


async def test_list_shows_jobs_that_match(db: Database, command: Command) -> None:
    await enqueue_many(db, [job("a"), job("b")])
    code, text = await command("list", "--kind", "a", "--state", "queued")
    assert code == 0
    assert "a     queued  0/3" in text and text.endswith("1 of 1 jobs\n")


async def test_show_prints_everything(db: Database, command: Command) -> None:
    job_id = await enqueue(db, job(args={"source": "co"}))
    code, text = await command("show", job_id)
    assert code == 0 and '"source": "co"' in text


async def test_what_is_not_there_is_said(command: Command) -> None:
    assert await command("show", 99) == (1, "There is no job 99\n")
    assert await command("retry", 99) == (1, "There is no job 99\n")
    assert await command("cancel", 99) == (1, "There is no job 99\n")


async def test_stats_count_by_queue_and_state(db: Database, command: Command) -> None:
    await enqueue_many(db, [job(), job()])
    _, text = await command("stats")
    assert [QUEUE, "queued", "2", "0"] in [line.split() for line in text.splitlines()]


async def test_a_dead_job_starts_over(db: Database, ledger: Ledger, command: Command) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, SourceRejected())
    assert await command("retry", job_id) == (0, f"queued: {job_id}\n")
    stored = await row(db, job_id)
    assert (stored["state"], stored["attempt"], stored["error"]) == ("queued", 0, None)


async def test_a_job_in_back_off_need_not_wait(
    db: Database, ledger: Ledger, command: Command
) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, ValueError())
    await sql(db, "UPDATE jobs SET run_at = now() + interval '1 hour'")
    await command("retry", job_id)
    assert len(await ledger.claim(QUEUE, 1)) == 1


async def test_a_job_that_succeeded_does_not_start_over(
    db: Database, ledger: Ledger, command: Command
) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, Done())
    assert await command("retry", job_id) == (
        1,
        f"Job {job_id} is succeeded: it cannot start over\n",
    )


async def test_a_job_whose_work_is_queued_again_does_not_start_over(
    db: Database, ledger: Ledger, command: Command
) -> None:
    job_id = await enqueue(db, job(dedupe_key="k"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, SourceRejected())
    await enqueue(db, job(dedupe_key="k"))
    code, text = await command("retry", job_id)
    assert code == 1 and "queued already" in text


@pytest.mark.parametrize("which", ["parent", "child"])
async def test_a_failed_family_starts_over_from_either_end(
    db: Database, ledger: Ledger, command: Command, which: str
) -> None:
    parent, bad, _good = await failed_family(ledger)
    code, text = await command("retry", parent if which == "parent" else bad)
    assert (code, text) == (0, f"queued: {parent}, {bad}\n")

    async with pool_of(db, {"parent": done, "child": done}):
        await until_state(db, parent, "succeeded")
    assert await states(db) == {"succeeded": 3}


async def test_cancelling_takes_the_children_along(
    db: Database, ledger: Ledger, command: Command
) -> None:
    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child"), job("child")]))
    (running,) = await ledger.claim(QUEUE, 1)
    code, text = await command("cancel", parent)
    assert code == 0 and len(text.split(",")) == 3
    assert await states(db) == {"cancelled": 2, "running": 1}
    assert await ledger.fail(running.job, ValueError()) == "cancelled"


async def test_cancelling_the_last_child_wakes_the_parent(
    db: Database, ledger: Ledger, command: Command
) -> None:
    parent = await enqueue(db, job("parent"))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.record(claim.job, FanOut([job("child")]))
    (child,) = await ledger.claim(QUEUE, 1)
    await command("cancel", child.job.id)
    assert await ledger.cancelled(child.job) == "cancelled"
    await ledger.settle([parent])
    again: list[Claim] = await ledger.claim(QUEUE, 1)
    assert (again[0].job.id, again[0].children) == (parent, {"cancelled": 1})


async def test_queues_are_paused_limited_and_resumed(db: Database, command: Command) -> None:
    await command("pause", QUEUE, "--reason", "upgrade")
    await command("limit", QUEUE, "--concurrency", 3, "--rate", 2.5)
    code, text = await command("queues")
    (line,) = [line for line in text.splitlines() if line.startswith(QUEUE)]
    assert code == 0 and line.split()[1:5] == ["paused:", "upgrade", "3", "2.5"]
    _, text = await command("resume", QUEUE)
    assert text.splitlines()[-1].split()[1] == "open"
    _, text = await command("limit", QUEUE, "--concurrency", 0)
    assert text.splitlines()[-1].split()[1:4] == ["open", "-", "2.5"]


async def test_dead_jobs_are_grouped_by_what_they_died_of(
    db: Database, ledger: Ledger, command: Command
) -> None:
    await enqueue_many(db, [job() for _ in range(3)])
    for claim, number in zip(await ledger.claim(QUEUE, 3), (1, 2, 3), strict=True):
        error = SourceRejected(f"row {number} of 9") if number < 3 else SourceRejected("other")
        await ledger.fail(claim.job, error)
    _, text = await command("dead")
    lines = text.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "SourceRejected: row 2 of 9" in lines[0]


async def test_a_job_is_replayed_with_other_arguments(
    db: Database, ledger: Ledger, command: Command
) -> None:
    job_id = await enqueue(db, job(args={"x": 1}))
    (claim,) = await ledger.claim(QUEUE, 1)
    await ledger.fail(claim.job, SourceRejected())
    code, text = await command("replay", job_id, "--args", '{"x": 2}', "--reason", "a typo")
    (again,) = await ledger.claim(QUEUE, 1)
    assert (code, again.job.args) == (0, {"x": 2})
    assert text == f"queued: {again.job.id}\n"


async def test_show_tells_attempts_and_log(db: Database, ledger: Ledger, command: Command) -> None:
    job_id = await enqueue(db, job())
    (claim,) = await ledger.claim(QUEUE, 1)
    await context_of(claim, ledger).log("read 3 rows")
    await ledger.fail(claim.job, SourceRejected("410"))
    _, text = await command("show", job_id)
    shown = orjson.loads(text)
    assert [line["message"] for line in shown["log"]] == ["read 3 rows"]
    assert [each["error"]["message"] for each in shown["attempts"]] == ["410"]


async def test_a_bulk_job_is_asked_for(db: Database, command: Command) -> None:
    _, text = await command("bulk", "retry", "--state", "dead", "--kind", "work")
    stored = await row(db, int(text.split()[-1]))
    assert (stored["kind"], stored["queue"]) == ("jobs.bulk", "maintenance")
    assert stored["args"]["filter"] == {"state": "dead", "kind": "work"}
    assert await command("bulk", "retry") == (1, "Value error, filter needs at least one field\n")


async def test_a_waiting_job_gets_another_priority(
    db: Database, ledger: Ledger, command: Command
) -> None:
    first, second = await enqueue_many(db, [job(), job()])
    assert await command("priority", second, 1) == (0, f"{second}: priority 1\n")
    (claim,) = await ledger.claim(QUEUE, 1)
    assert claim.job.id == second
    code, text = await command("priority", second, 5)
    assert code == 1 and "does not wait any more" in text
    assert first != second


async def test_schedules_by_command(db: Database, command: Command) -> None:
    await seed(db, ["co"])
    code, text = await command("schedules", "run", "scoring")
    job_id = int(text.split()[-1])
    assert (code, (await row(db, job_id))["kind"]) == (0, "scoring")
    _, text = await command("schedules", "history", "scoring")
    assert text.splitlines()[1].split()[2:5] == ["hand", str(job_id), "queued"]
    _, text = await command("schedules", "edit", "scoring", "--cron", "5 4 * * *", "--disable")
    assert text.startswith("scoring: next run ") and "04:05:00" in text
    _, text = await command("schedules")
    (line,) = [line for line in text.splitlines() if line.startswith("scoring")]
    assert "5 4 * * *" in line and line.endswith("off: by hand")
    code, text = await command("schedules", "edit", "scoring", "--cron", "x")
    assert code == 1 and "five fields" in text
    assert await command("schedules", "run", "none") == (1, "There is no schedule none\n")
