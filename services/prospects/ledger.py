"""Changes of prospects in PostgreSQL: see or lock, write, delete.

What a person may change is read, under a lock (`hold`) or without (`see`), decided on in
changes.py and written back (`write`) where the version is still the one that was read. Facts and
scores are not touched.
"""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.common import audit, context, jobs
from services.common.db import Executor
from services.common.types import Status
from services.prospects.store import Q, _filled

CHANGED_TOPIC = "prospects.changed"
_HOLD = _filled("prospect_hold")
_ROW = _filled("prospect_row")
_WRITE = _filled("prospect_write")
_CLAIM = _filled("prospect_claim")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person may change, in the order of `prospect_write`."""

    company_name: str
    corrected_name: str | None
    state: str
    corrected_industry: str | None
    status: Status
    claimed_by: str | None
    claimed_at: datetime | None
    notes: str | None
    lien_amount: Decimal | None
    filing_date: date | None


@dataclass(frozen=True, slots=True)
class Held:
    """A locked prospect: `by_hand` while no register has its debtor; `now` of the database."""

    id: UUID
    version: int
    by_hand: bool
    now: datetime
    kept: Kept


@dataclass(frozen=True, slots=True)
class Made:
    """A prospect to be made by hand."""

    company_name: str
    name_key: str
    state: str
    industry: str
    lien_amount: Decimal | None
    filing_date: date | None


async def see(db: Executor, prospect_id: UUID) -> Held | None:
    """A prospect as it is now, not locked: `write` tells whether it still was."""
    return _held(await db.fetchrow(Q["prospect_see"], prospect_id))


async def hold(tx: Executor, prospect_id: UUID) -> Held | None:
    """Lock a prospect against other changes of persons; None where there is none."""
    return _held(await tx.fetchrow(_HOLD, prospect_id))


def _held(row: Record | None) -> Held | None:
    if row is None:
        return None
    values = {field.name: row[field.name] for field in fields(Kept)}
    kept = Kept(**values | {"status": Status(values["status"])})
    return Held(row["id"], row["version"], row["debtor_key"] is None, row["now"], kept)


async def write(
    tx: Executor, held: Held, wanted: Kept, action: str, note: str | None
) -> Record | None:
    """Write what differs, with its entry in the audit trail; `tag` and `body` of the new row.

    None where the prospect is gone or of another version than `held`. Nothing is written where
    nothing differs and there is no `note`.
    """
    before, after = _differences(held.kept, wanted)
    if note is not None:
        after["note"] = note
    if not after:
        return await tx.fetchrow(_ROW, held.id)
    entry = audit.entry(action, before, after)
    return await tx.fetchrow(_WRITE, held.id, held.version, *astuple(wanted), *entry)


async def claim(db: Executor, prospect_id: UUID, subject: str) -> Record | None:
    """Claim what nobody holds, audited: `tag` and `body` of the row; None: it is not free."""
    return await db.fetchrow(_CLAIM, prospect_id, subject, context.request_id.get())


async def delete(tx: Executor, held: Held, subject: str) -> None:
    """Delete a prospect held after its work row; the tombstone says who did."""
    await tx.execute(Q["prospect_delete"], held.id, held.version, subject)
    before = {name: value for name, value in asdict(held.kept).items() if value is not None}
    await audit.record(tx, "delete", "prospect", str(held.id), before, None)


async def hold_work(tx: Executor, ids: Sequence[UUID]) -> None:
    """Lock work rows in the order in which scoring does; call before locking several prospects."""
    await tx.execute(Q["prospect_hold_work"], ids)


async def lock_name(tx: Executor, name: str, state: str) -> str:
    """The normalised name; until the transaction ends nobody else makes one of this name there."""
    key: str = await tx.fetchval(Q["prospect_name_lock"], name, state)
    return key


async def twin(
    tx: Executor, name_key: str, state: str, name: str, other_than: UUID | None = None
) -> UUID | None:
    """Another prospect of this normalised name and state."""
    found: UUID | None = await tx.fetchval(Q["prospect_twin"], name_key, state, name, other_than)
    return found


async def create(tx: Executor, made: Made) -> UUID:
    """Insert a prospect, note it in the audit trail and ask the pipelines to look at it."""
    prospect_id: UUID = await tx.fetchval(Q["prospect_create"], *astuple(made))
    after = {name: value for name, value in asdict(made).items() if value is not None}
    await audit.record(tx, "create", "prospect", str(prospect_id), None, after)
    await jobs.publish(tx, CHANGED_TOPIC, [{"prospect_ids": [str(prospect_id)]}])
    return prospect_id


async def claim_many(tx: Executor, ids: Sequence[UUID], subject: str) -> dict[UUID, Record]:
    """Claim what nobody holds; by id who holds it since when, and whether it was `won` now."""
    await hold_work(tx, ids)
    rows = await tx.fetch(Q["prospects_claim"], ids, subject)
    won = [
        (
            str(row["id"]),
            {"claimed_by": None, "claimed_at": None, "status": row["old_status"]},
            {name: row[name] for name in ("claimed_by", "claimed_at", "status")},
        )
        for row in rows
        if row["won"]
    ]
    if won:
        await audit.record_many(tx, "claim", "prospect", won)
    return {row["id"]: row for row in rows}


def _differences(old: Kept, new: Kept) -> tuple[dict[str, Any], dict[str, Any]]:
    was, becomes = asdict(old), asdict(new)
    names = [name for name in was if was[name] != becomes[name]]
    return {name: was[name] for name in names}, {name: becomes[name] for name in names}
