"""What the prospects service decides on writing: who may change what, and what it becomes.

A change is read, decided, and written with its audit entry where nobody wrote meanwhile; else, and
where a name must stay free, in a transaction under a lock. Knows neither HTTP nor SQL.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from services.common.context import Principal
from services.common.db import Database, Executor
from services.common.errors import (
    Conflict,
    Forbidden,
    PreconditionFailed,
    ValidationFailed,
)
from services.common.types import Role, Status
from services.prospects import ledger, store
from services.prospects.forms import Contact, NewProspect, ProspectPatch, day_of
from services.prospects.ledger import Held, Kept, Made
from services.prospects.models import BatchClaim, ClaimResult
from services.prospects.service import missing
from services.prospects.shelf import Shown
from services.prospects.transitions import TRANSITIONS, WHEN_CLAIMED, WHEN_RELEASED, allowed

Decide = Callable[[Held], Kept]
_CENT = Decimal("0.01")


async def create(db: Database, form: NewProspect) -> tuple[UUID, Shown]:
    """A prospect made by hand. Raises Conflict where one of this name is in that state."""
    async with db.transaction() as tx:
        key = await _free_name(tx, form.company_name, form.state, None)
        made = Made(
            company_name=form.company_name,
            name_key=key,
            state=form.state,
            industry=form.industry,
            lien_amount=_amount(form.lien_amount),
            filing_date=day_of(form.filing_date),
        )
        prospect_id = await ledger.create(tx, made)
        found = await store.get(tx, prospect_id)
    if found is None:
        raise missing(prospect_id)
    return prospect_id, Shown(found["tag"], found["body"])


async def patch(
    db: Database, prospect_id: UUID, form: ProspectPatch, caller: Principal, match: str | None
) -> Shown:
    """Correct a prospect. Raises NotFound, PreconditionFailed, Conflict, ValidationFailed."""

    def decide(held: Held) -> Kept:
        check_version(held, match)
        _check_holder(held, caller, "status" in form.model_fields_set)
        return patched(held, form)

    return await _change(db, prospect_id, "update", decide)


async def claim(db: Database, prospect_id: UUID, caller: Principal) -> Shown:
    """Claim for the caller; again is no error. Raises Conflict where another holds it."""

    def decide(held: Held) -> Kept:
        if held.kept.claimed_by is not None:
            if held.kept.claimed_by != caller.sub:
                raise _held_by_another(held)
            return held.kept
        status = WHEN_CLAIMED.get(held.kept.status, held.kept.status)
        return replace(held.kept, claimed_by=caller.sub, claimed_at=held.now, status=status)

    # mostly it is free: one round trip, where to lock, decide and write are five
    row = await ledger.claim(db, prospect_id, caller.sub)
    if row is not None:
        return Shown(row["tag"], row["body"])
    return await _change(db, prospect_id, "claim", decide)


async def release(db: Database, prospect_id: UUID, caller: Principal) -> Shown:
    """Give a claim up; where nobody holds it nothing changes. Raises Forbidden: not the holder."""

    def decide(held: Held) -> Kept:
        holder = held.kept.claimed_by
        if holder is None:
            return held.kept
        if holder != caller.sub and caller.role != Role.ADMIN:
            raise Forbidden(
                f"{holder} holds this prospect: only its holder or an admin gives it up"
            )
        status = WHEN_RELEASED.get(held.kept.status, held.kept.status)
        return replace(held.kept, claimed_by=None, claimed_at=None, status=status)

    return await _change(db, prospect_id, "unclaim", decide)


async def contact(db: Database, prospect_id: UUID, form: Contact, caller: Principal) -> Shown:
    """Note a contact. Raises Conflict: held by another, or the status cannot follow."""

    def decide(held: Held) -> Kept:
        _check_holder(held, caller, True)
        status = _next_status(held.kept.status, Status(form.status), "/body/status")
        notes = "\n".join(filter(None, (held.kept.notes, form.note)))
        return replace(held.kept, status=status, notes=notes or None)

    return await _change(db, prospect_id, "contact", decide, note=form.note or "")


async def delete(db: Database, prospect_id: UUID, caller: Principal, match: str | None) -> None:
    """Delete for good. Raises NotFound, PreconditionFailed, Conflict: held by another."""
    async with db.transaction() as tx:
        await ledger.hold_work(tx, [prospect_id])
        held = await ledger.hold(tx, prospect_id)
        if held is None:
            raise missing(prospect_id)
        check_version(held, match)
        _check_holder(held, caller, True)
        await ledger.delete(tx, held, caller.sub)


async def claim_many(db: Database, ids: Iterable[UUID], caller: Principal) -> BatchClaim:
    """Claim each of `ids` that nobody else holds."""
    asked = list(dict.fromkeys(ids))
    async with db.transaction() as tx:
        found = await ledger.claim_many(tx, asked, caller.sub)
    results = [ClaimResult(prospect_id=i, success=False, error=None) for i in asked]
    for result in results:
        row = found.get(result.prospect_id)
        if row is None:
            result.error = f"Prospect {result.prospect_id} not found"
        elif row["claimed_by"] != caller.sub:
            result.error = f"{row['claimed_by']} holds it since {row['claimed_at'].isoformat()}"
        else:
            result.success = True
    claimed = sum(result.success for result in results)
    return BatchClaim(claimed=claimed, failed=len(results) - claimed, results=results)


async def _change(
    db: Database, prospect_id: UUID, action: str, decide: Decide, *, note: str | None = None
) -> Shown:
    """Mostly nobody changes it meanwhile: then two round trips do, where a lock takes four."""
    held = await ledger.see(db, prospect_id)
    if held is None:
        raise missing(prospect_id)
    wanted = decide(held)
    row: Mapping[str, Any] | None = None
    if not _renamed(held, wanted):
        row = await ledger.write(db, held, wanted, action, note)
    if row is None:
        row = await _change_locked(db, prospect_id, action, decide, note)
    return Shown(row["tag"], row["body"])


async def _change_locked(
    db: Database, prospect_id: UUID, action: str, decide: Decide, note: str | None
) -> Mapping[str, Any]:
    async with db.transaction() as tx:
        held = await ledger.hold(tx, prospect_id)
        if held is None:
            raise missing(prospect_id)
        wanted = decide(held)
        if _renamed(held, wanted):
            await _free_name(tx, wanted.company_name, wanted.state, held.id)
        row = await ledger.write(tx, held, wanted, action, note)
    if row is None:
        raise RuntimeError(f"prospect {held.id} was locked and is another one now")
    found: Mapping[str, Any] = row
    return found


def _renamed(held: Held, wanted: Kept) -> bool:
    kept = held.kept
    return (wanted.company_name, wanted.state) != (kept.company_name, kept.state)


async def _free_name(tx: Executor, name: str, state: str, other_than: UUID | None) -> str:
    """The normalised name, kept free for this transaction. Raises Conflict: somebody has it."""
    key = await ledger.lock_name(tx, name, state)
    found = await ledger.twin(tx, key, state, name, other_than)
    if found is not None:
        raise Conflict(f"Prospect {found} has this name in {state} already", existing_id=str(found))
    return key


def check_version(held: Held, match: str | None) -> None:
    """Raise PreconditionFailed where If-Match (`match`) names no version like the present one.

    Of a tag `v<version>.<facts>...` only the version counts: it rises with everything that a
    person or a score changes, and new facts alone overwrite nothing of a person.
    """
    if match is None or match.strip() == "*":
        return
    versions = {tag.strip().strip('"').partition(".")[0] for tag in match.split(",")}
    if f"v{held.version}" not in versions:
        raise PreconditionFailed(version=held.version)


def patched(held: Held, form: ProspectPatch) -> Kept:
    """What `form` makes of a prospect. Raises ValidationFailed, Conflict."""
    given, kept = form.model_fields_set, held.kept
    _check_patch(held, form)
    if "status" in given and form.status is not None:
        kept = replace(kept, status=_next_status(kept.status, form.status, "/body/status"))
    if form.company_name is not None:
        if held.by_hand:
            kept = replace(kept, company_name=form.company_name)
        else:
            kept = replace(kept, corrected_name=form.company_name)
    if "corrected_name" in given:
        kept = replace(kept, corrected_name=form.corrected_name)
    if "industry" in given:
        kept = replace(kept, corrected_industry=form.industry)
    if "notes" in given:
        kept = replace(kept, notes=form.notes)
    if "lien_amount" in given:
        kept = replace(kept, lien_amount=_amount(form.lien_amount))
    if form.state is not None:
        kept = replace(kept, state=form.state)
    if "filing_date" in given:
        kept = replace(kept, filing_date=day_of(form.filing_date))
    return kept


def _check_patch(held: Held, form: ProspectPatch) -> None:
    given = form.model_fields_set
    problems = [
        {"pointer": f"/body/{name}", "detail": "must not be null"}
        for name in ("company_name", "status", "state")
        if name in given and getattr(form, name) is None
    ]
    if {"company_name", "corrected_name"} <= given:
        detail = "must not be given together with company_name"
        problems.append({"pointer": "/body/corrected_name", "detail": detail})
    if problems:
        raise ValidationFailed(errors=problems)
    if not held.by_hand and (owned := sorted(given & {"state", "filing_date"})):
        raise Conflict(f"The register says this of its debtor, nobody else: {', '.join(owned)}")


def _next_status(now: Status, wanted: Status, pointer: str) -> Status:
    if allowed(now, wanted):
        return wanted
    if wanted in (Status.CLAIMED, Status.UNCLAIMED):
        detail = f"{wanted} is not given by hand: claim the prospect or give it up"
    else:
        options = ", ".join(sorted(TRANSITIONS[now]))
        detail = f"{wanted} cannot follow {now}: only {options} can"
    raise Conflict(detail, errors=[{"pointer": pointer, "detail": detail}])


def _check_holder(held: Held, caller: Principal, matters: bool) -> None:
    """Raise Conflict where another holds the prospect; an admin may do it all the same."""
    holder = held.kept.claimed_by
    if matters and holder not in (None, caller.sub) and caller.role != Role.ADMIN:
        raise _held_by_another(held)


def _held_by_another(held: Held) -> Conflict:
    since = held.kept.claimed_at.isoformat() if held.kept.claimed_at else None
    return Conflict(
        f"{held.kept.claimed_by} holds this prospect since {since}",
        claimed_by=held.kept.claimed_by,
        claimed_at=since,
    )


def _amount(dollars: float | None) -> Decimal | None:
    """As the column keeps it: whole cents, at least one."""
    if dollars is None:
        return None
    return max(Decimal(str(dollars)).quantize(_CENT, ROUND_HALF_UP), _CENT)
