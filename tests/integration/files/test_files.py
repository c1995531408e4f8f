"""Files become filings: joined in any order, once, whatever happens in between."""

import itertools
from typing import Any

import pytest

from services.common.db import Database
from services.common.sql import Query
from services.pipelines.ingestion import staging
from tests.integration.files.conftest import AS_OF, Client, send, take
from tests.support.contents import contents, differences, stored
from tests.support.ingestion import children, finished, ingestion_worker, until
from tests.support.unloads import (
    Files,
    fl_event,
    fl_filing,
    fl_party,
    florida,
    zipped,
)

FILINGS = Query(
    "test_filings",
    "SELECT filing_number, status, lapse_on::text, filing_type, amendments"
    " FROM ucc_filings ORDER BY 1",
)
PARTIES = Query(
    "test_parties",
    "SELECT f.filing_number, p.role, p.name FROM filing_parties AS p"
    " JOIN ucc_filings AS f ON f.id = p.filing_id WHERE p.is_current ORDER BY 1, 2, 3",
)
QUARANTINE = Query("test_quarantine", "SELECT dataset, row_text, reason FROM quarantine ORDER BY 3")
LEFT = Query("test_left", "SELECT count(*) FROM upload_chunks")
ROWS = Query("test_rows", "SELECT count(*) FROM upload_rows")
OLD = Query("test_old", "UPDATE uploads SET created_at = now() - interval '8 days'")
BAKERY = "PELICAN BAKERY LLC"


def bakery(filings: int = 23) -> Files:
    """Florida's four files: one debtor, a filing a month, one terminated."""
    numbers = [f"2026{n:05}" for n in range(filings)]
    return florida(
        filings=[fl_filing(n, "03/01/2026", "03/01/2031") for n in numbers],
        debtors=[fl_party("Deb", n, BAKERY) for n in numbers],
        secureds=[fl_party("Sec", n, "LIBERTAS FUNDING LLC") for n in numbers],
        events=[fl_event("202609001", numbers[0], "07/01/2026", "TERMINATION")],
    )


async def told(db: Database, query: Query) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(query)]


async def test_files_that_belong_together_are_joined_page_by_page(
    api: Client, worker: Database
) -> None:
    job = await take(api, worker, "fl", bakery())
    assert [filing[:2] for filing in await told(worker, FILINGS)] == [
        ("202600000", "terminated"),
        *((f"2026{n:05}", "active") for n in range(1, 23)),
    ]
    assert len(await children(worker, job["id"], "ingestion.stage")) == 4
    assert len(await children(worker, job["id"], "ingestion.join")) == 3
    counted = ("rows", "documents", "new", "quarantined", "waiting")
    assert [job["result"][name] for name in counted] == [70, 24, 24, 0, 0]


async def test_a_zip_says_the_same_as_its_files(api: Client, worker: Database) -> None:
    await take(api, worker, "fl", bakery())
    before = await stored(worker)
    job = await take(api, worker, "fl", {"all.zip": zipped(bakery())})
    assert (job["result"]["new"], job["result"]["changed"]) == (0, 0)
    assert await stored(worker) == before


async def test_the_same_files_again_change_no_row(api: Client, worker: Database) -> None:
    await take(api, worker, "fl", bakery())
    before = await stored(worker)
    job = await take(api, worker, "fl", bakery())
    assert (job["result"]["new"], job["result"]["changed"], job["result"]["unchanged"]) == (
        0,
        0,
        24,
    )
    assert await stored(worker) == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
async def test_files_may_come_one_by_one_in_any_order(
    api: Client, worker: Database, order: tuple[int, ...]
) -> None:
    files = list(bakery(2).items())
    jobs = [await take(api, worker, "fl", dict([files[at]])) for at in order]
    assert await told(worker, FILINGS) == [
        ("202600000", "terminated", "2031-03-01", "ucc", 1),
        ("202600001", "active", "2031-03-01", "ucc", 0),
    ]
    assert await told(worker, PARTIES) == [
        (number, role, name)
        for number in ("202600000", "202600001")
        for role, name in (("debtor", BAKERY), ("secured", "LIBERTAS FUNDING LLC"))
    ]
    assert jobs[-1]["result"]["waiting"] == 0


async def test_rows_without_their_filing_are_counted_as_waiting(
    api: Client, worker: Database
) -> None:
    files = bakery(2)
    del files["filings_full.csv"]
    job = await take(api, worker, "fl", files)
    assert job["result"]["waiting"] == 4
    assert await told(worker, FILINGS) == [("202600000", "unknown", None, None, 1)]


async def test_the_bytes_go_when_the_rows_are_staged_and_the_rows_after_a_week(
    api: Client, worker: Database
) -> None:
    await take(api, worker, "fl", bakery())
    assert (await told(worker, LEFT), await told(worker, ROWS)) == ([(0,)], [(70,)])
    await worker.execute(OLD)
    await take(api, worker, "fl", bakery(1))
    assert await told(worker, ROWS) == [(4,)]


async def test_bad_lines_are_set_aside_verbatim_with_their_place(
    api: Client, worker: Database
) -> None:
    files = bakery(2)
    files["debtors_full.csv"] += b"202600001|TOO SHORT\r\n|NO NUMBER" + b"|" * 11 + b"\r\n"
    files["filings_full.csv"] += b"202600007|31/12/2026|03/01/2031|Filed\r\n"
    job = await take(api, worker, "fl", files)
    (short, bad_date, no_number) = sorted(await told(worker, QUARANTINE), key=lambda e: e[2])
    assert short == (
        "fl.debtors",
        "202600001|TOO SHORT",
        "line 4 of debtors_full.csv: 2 cells where there are 13 columns",
    )
    assert no_number[2] == "line 5 of debtors_full.csv: column Ucc1FilingNumber is missing"
    assert bad_date[2] == "line 4 of filings_full.csv: column FilingDate is no date: '31/12/2026'"
    assert job["result"]["quarantined"] == 3
    assert len(await told(worker, FILINGS)) == 2


async def test_the_same_files_are_read_once_at_a_time(
    api: Client, environment: dict[str, str], db: Database
) -> None:
    first = await send(api, "fl", bakery())
    again = await send(api, "fl", dict(reversed(bakery().items())))
    other = await send(api, "fl", bakery(1))
    assert first[0] == again[0] == 202
    assert first[1]["id"] == again[1]["id"] != other[1]["id"]


async def test_a_worker_that_dies_while_staging_loses_and_doubles_nothing(
    api: Client,
    environment: dict[str, str],
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staging, "BLOCK", 3)
    blocks = itertools.count()
    keep = staging._keep

    async def dies(*args: Any) -> Any:
        if next(blocks) % 3 == 2:
            raise ConnectionResetError("killed between two blocks")
        return await keep(*args)

    monkeypatch.setattr(staging, "_keep", dies)
    monkeypatch.setattr("services.common.kafka.failure.BASE_S", 0.05)
    async with ingestion_worker(environment, ingest_page_size=10) as worker:
        _, job = await send(api, "fl", bakery(20))
        done = await finished(worker, job["id"], 60)
        assert done["state"] == "succeeded", done["error"]
        assert next(blocks) > 20
        assert (done["result"]["rows"], done["result"]["documents"]) == (61, 21)
        assert await told(worker, ROWS) == [(61,)]


async def test_a_run_that_is_drained_and_taken_up_says_the_same(
    api: Client,
    environment: dict[str, str],
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staging, "BLOCK", 2)
    _, job = await send(api, "fl", bakery(20))

    async def moved() -> object:
        return (await told(db, ROWS))[0][0] > len(turns) * 15

    turns: list[int] = []
    for turn in range(4):
        turns.append(turn)
        async with ingestion_worker(environment, ingest_page_size=10, drain_s=0.01):
            await until(moved, "some rows are staged", db)
            if turn == 3:
                done = await finished(db, job["id"], 60)
    assert done["state"] == "succeeded", done["error"]
    assert await told(db, ROWS) == [(61,)]
    assert len(await told(db, FILINGS)) == 20


async def test_in_whatever_order_two_deliveries_come_the_tables_say_the_same(
    api: Client, worker: Database, environment: dict[str, str]
) -> None:
    old = florida(
        filings=[fl_filing("7", "10/20/2021", "10/20/2026")],
        debtors=[fl_party("Deb", "7", BAKERY)],
        secureds=[fl_party("Sec", "7", "SEACOAST NATIONAL BANK")],
    )
    new = florida(events=[fl_event("8", "7", "09/01/2026", "CONTINUATION")])
    await take(api, worker, "fl", new)
    await take(api, worker, "fl", old)
    after = await contents(worker)
    assert await told(worker, FILINGS) == [("7", "active", "2031-10-20", "ucc", 1)]
    await take(api, worker, "fl", new)
    assert differences(after, await contents(worker)) == []
    assert AS_OF == "2026-11-01"
