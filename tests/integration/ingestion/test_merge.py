"""Documents of a filing give the same tables in whatever order and portions they arrive."""

import itertools
import random
from collections.abc import Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import pytest

from services.common.db import Database
from services.common.sql import Query
from services.pipelines.ingestion import store
from services.pipelines.ingestion.records import Collateral, Document, Kind, Party

pytestmark = pytest.mark.integration
AS_OF = date(2026, 11, 23)

FILINGS = Query(
    "test_filings",
    """
    SELECT f.filing_number, f.status, f.lapse_on, f.terminated_on, f.initial_seen, f.amendments,
           (SELECT array_agg(p.role || ' ' || p.name ORDER BY p.role, p.name)
              FROM filing_parties AS p WHERE p.filing_id = f.id AND p.is_current) AS parties,
           (SELECT array_agg(p.debtor_key ORDER BY 1)
              FROM prospect_ucc_filings AS l JOIN prospects AS p ON p.id = l.prospect_id
             WHERE l.filing_id = f.id) AS prospects
    FROM ucc_filings AS f ORDER BY f.filing_number
    """,
)
PROSPECTS = Query("test_prospects", "SELECT debtor_key FROM prospects ORDER BY debtor_key")
EMPTY = Query("test_empty", "TRUNCATE ucc_filings, prospects, outbox RESTART IDENTITY CASCADE")
REVISIONS = Query("test_revisions", "SELECT coalesce(sum(facts_rev), 0) FROM prospect_work")
ADD_BY_HAND = Query(
    "test_by_hand",
    "INSERT INTO prospects (company_name, state, notes) VALUES ($1, $2, 'met at a fair')",
)
BURY = Query(
    "test_bury", "INSERT INTO tombstones (debtor_key, prospect_id) VALUES ($1, gen_random_uuid())"
)


def debtor(name: str, **more: Any) -> Party:
    key = name.replace(" LLC", "").replace(" ", "").upper()
    row_key = more.pop("key", f"d-{name}")
    return Party("debtor", row_key, name, True, more.pop("is_business", True), key, **more)


def secured(name: str, **more: Any) -> Party:
    return Party(
        "secured", f"s-{name}", name, True, True, name.replace(" ", "").upper(),
        lender=name, lender_kind="bank", lender_mca="none", **more,
    )  # fmt: skip


def document(
    number: str, initial: str, kind: Kind, filed_on: date, *parties: Party, text: str = ""
) -> Document:
    collateral = (Collateral(f"c-{number}", text),) if text else ()
    digest = blake2b(f"{number}{kind}{parties}{text}".encode(), digest_size=16).digest()
    return Document(
        number, initial, kind, kind, "ucc", filed_on, None, None, digest, parties, collateral
    )


HISTORY = [
    document("1", "1", "initial", date(2020, 3, 1), debtor("KING REBAR LLC"), secured("BANK A"),
             text="all assets"),
    document("2", "1", "continuation", date(2024, 10, 1)),
    document("3", "1", "assignment", date(2022, 1, 1), secured("BANK B")),
    document("4", "1", "party_change", date(2023, 1, 1), debtor("QUEEN BEAM LLC"),
             debtor("KING REBAR LLC", action="delete", key="x")),
    document("5", "5", "initial", date(2021, 3, 1), debtor("DUKE PIPE LLC"), secured("BANK A")),
    document("6", "5", "termination", date(2022, 3, 1)),
]  # fmt: skip


async def merge(db: Database, documents: Sequence[Document]) -> store.Merged:
    async with db.transaction() as tx:
        return await store.merge(tx, "co", "CO", documents, AS_OF)


async def state(db: Database) -> list[tuple[Any, ...]]:
    rows = [*await db.fetch(FILINGS), *await db.fetch(PROSPECTS)]
    return [tuple(row.values()) for row in rows]


async def test_any_order_of_documents_gives_the_same_tables(db: Database) -> None:
    await merge(db, HISTORY)
    expected = await state(db)
    orders = list(itertools.permutations(HISTORY))
    random.Random(7).shuffle(orders)
    for turn, order in enumerate(orders[:40]):
        async with db.transaction() as tx:
            await tx.execute(EMPTY)
        for start in range(0, len(order), 1 + turn % 4):
            await merge(db, order[start : start + 1 + turn % 4])
        assert await state(db) == expected, [d.number for d in order]


async def test_history_is_applied_to_the_filing_it_amends(db: Database) -> None:
    await merge(db, HISTORY)
    first, second = await db.fetch(FILINGS)
    assert first["parties"] == ["debtor QUEEN BEAM LLC", "secured BANK B"]
    assert (first["status"], first["lapse_on"]) == ("active", date(2030, 3, 1))
    assert (second["status"], second["terminated_on"]) == ("terminated", date(2022, 3, 1))


async def test_merging_the_same_documents_again_changes_nothing(db: Database) -> None:
    await merge(db, HISTORY)
    before = (await state(db), await db.fetchval(REVISIONS))
    assert await merge(db, HISTORY) == store.Merged(0, 0, 0)
    assert (await state(db), await db.fetchval(REVISIONS)) == before


@pytest.mark.parametrize(
    ("continued", "lapse"),
    [
        (date(2024, 8, 31), date(2025, 3, 1)),  # a day too early: UCC 9-515(d)
        (date(2024, 9, 1), date(2030, 3, 1)),
        (date(2025, 3, 1), date(2030, 3, 1)),
        (date(2025, 3, 2), date(2025, 3, 1)),
    ],
)
async def test_a_continuation_counts_only_in_the_last_six_months(
    db: Database, continued: date, lapse: date
) -> None:
    await merge(db, [HISTORY[0], document("2", "1", "continuation", continued)])
    (filing,) = await db.fetch(FILINGS)
    assert filing["lapse_on"] == lapse


async def test_a_filing_past_its_lapse_date_is_lapsed(db: Database) -> None:
    await merge(db, [HISTORY[0]])
    (filing,) = await db.fetch(FILINGS)
    assert filing["status"] == "lapsed"


async def test_an_amendment_alone_makes_no_prospect(db: Database) -> None:
    await merge(db, [HISTORY[3]])
    (filing,) = await db.fetch(FILINGS)
    assert (filing["initial_seen"], filing["status"], filing["prospects"]) == (
        False, "unknown", None)  # fmt: skip


async def test_people_are_not_prospects(db: Database) -> None:
    person = debtor("PERSON DEBTOR0001", is_business=False)
    await merge(db, [document("9", "9", "initial", date(2026, 1, 1), person, secured("BANK A"))])
    assert await db.fetch(PROSPECTS) == []


async def test_one_prospect_for_all_spellings_of_a_debtor(db: Database) -> None:
    for number, name in (("7", "KING REBAR LLC"), ("8", "King Rebar")):
        filed = document(number, number, "initial", date(2026, 1, 1), debtor(name), secured("B"))
        await merge(db, [filed])
    assert [r["debtor_key"] for r in await db.fetch(PROSPECTS)] == ["CO:KINGREBAR"]


async def test_a_deleted_prospect_stays_deleted(db: Database) -> None:
    await db.execute(BURY, "CO:KINGREBAR")
    await merge(db, HISTORY[:1])
    assert await db.fetch(PROSPECTS) == []


async def test_a_prospect_made_by_hand_becomes_the_debtor(db: Database) -> None:
    await db.execute(ADD_BY_HAND, "King Rebar, LLC", "CO")
    await merge(db, HISTORY[:1])
    assert [r["debtor_key"] for r in await db.fetch(PROSPECTS)] == ["CO:KINGREBAR"]


async def test_a_corrected_document_replaces_what_it_said(db: Database) -> None:
    await merge(db, HISTORY[:1])
    corrected = document("1", "1", "initial", date(2020, 3, 1), debtor("PRINCE NAIL LLC"))
    assert (await merge(db, [corrected])).changed == 1
    (filing,) = await db.fetch(FILINGS)
    assert filing["parties"] == ["debtor PRINCE NAIL LLC"]
    assert filing["prospects"] == ["CO:PRINCENAIL"]
