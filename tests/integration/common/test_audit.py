"""The audit trail in the real database."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.common import audit, context
from services.common.context import Principal
from services.common.db import Database
from services.common.sql import Query
from services.common.types import Role

TRAIL = Query(
    "test_trail",
    "SELECT subject, action, entity, entity_id, before, after, request_id FROM audit_logs"
    " ORDER BY id",
)
ID = UUID("5f0d3c35-0000-4000-8000-000000000001")


@pytest.fixture(autouse=True)
def on_a_request() -> Iterator[None]:
    tokens = context.request_id.set("r-1"), context.principal.set(Principal("ann", Role.ANALYST))
    yield
    context.request_id.reset(tokens[0])
    context.principal.reset(tokens[1])


async def trail(db: Database) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(TRAIL)]


async def test_a_change_is_noted_with_caller_and_request(db: Database) -> None:
    before = {"id": ID, "amount": Decimal("10.50"), "filed_on": date(2026, 9, 1)}
    async with db.transaction() as tx:
        await audit.record(tx, "delete", "prospect", str(ID), before, None)
    plain = {"id": str(ID), "amount": "10.50", "filed_on": "2026-09-01"}
    assert await trail(db) == [("ann", "delete", "prospect", str(ID), plain, None, "r-1")]


async def test_a_change_that_is_rolled_back_leaves_no_note(db: Database) -> None:
    with pytest.raises(RuntimeError):
        async with db.transaction() as tx:
            await audit.record(tx, "create", "prospect", str(ID), None, {"state": "CO"})
            raise RuntimeError
    assert await trail(db) == []


async def test_what_a_job_changes_is_noted_as_the_jobs(db: Database) -> None:
    context.principal.set(None)
    context.job_id.set(7)
    changes = [("1", None, {"x": 1}), ("2", {"x": 1}, None)]
    await audit.record_many(db, "replay", "quarantine", changes)
    context.job_id.set(None)
    await audit.record(db, "sweep", "export", "3", None, None)
    assert [(row[0], row[3]) for row in await trail(db)] == [
        ("job:7", "1"),
        ("job:7", "2"),
        ("system", "3"),
    ]
