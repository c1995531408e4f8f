"""Addresses of the prospects service that write: analysts, services and admins."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import Conflict, NotFound, PreconditionFailed
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.common.types import Role
from services.prospects import changes
from services.prospects.forms import ClaimMany, Contact, NewProspect, NoBody, ProspectPatch
from services.prospects.models import BatchClaim, Prospect, ProspectPath, ProspectRow
from services.prospects.routes import show

WRITERS = (Role.ADMIN, Role.ANALYST, Role.SERVICE)
DELETERS = (Role.ADMIN, Role.ANALYST)
routes = Routes("/api/prospects", tag="prospects")


@routes.post("", response=Prospect, status=201, roles=WRITERS, errors=(Conflict,), idempotent=True)
async def create_prospect(request: web.Request, body: NewProspect) -> web.Response:
    """Make a prospect by hand.

    409 with `existing_id` where one of the same normalised name is in that state already, made by
    hand or met in a register.
    """
    prospect_id, shown = await changes.create(request.app[DB], body)
    return show(shown, 201, Location=f"{request.path}/{prospect_id}")


@routes.post("/claim", response=BatchClaim, roles=WRITERS)
async def claim_prospects(
    request: web.Request, body: ClaimMany, principal: Principal
) -> BatchClaim:
    """Claim up to 1000 prospects for the caller, each by itself: some may fail."""
    return await changes.claim_many(request.app[DB], body.prospect_ids, principal)


@routes.patch(
    "/{id}",
    response=ProspectRow,
    roles=WRITERS,
    errors=(NotFound, Conflict, PreconditionFailed),
    etag=True,
)
async def patch_prospect(
    request: web.Request, path: ProspectPath, body: ProspectPatch, principal: Principal
) -> web.Response:
    """Correct a prospect or add what a person knows.

    What a register or a score says is never overwritten: a correction stands before it and may be
    withdrawn by null. With `If-Match` only while the version is that of the ETag, else 412.
    """
    match = request.headers.get("If-Match")
    return show(await changes.patch(request.app[DB], path.id, body, principal, match))


@routes.delete("/{id}", roles=DELETERS, errors=(NotFound, Conflict, PreconditionFailed), etag=True)
async def delete_prospect(request: web.Request, path: ProspectPath, principal: Principal) -> None:
    """Delete a prospect for good: its debtor is left out when a register names it again."""
    match = request.headers.get("If-Match")
    await changes.delete(request.app[DB], path.id, principal, match)


@routes.post("/{id}/claim", response=ProspectRow, roles=WRITERS, errors=(NotFound, Conflict))
async def claim_prospect(
    request: web.Request,
    path: ProspectPath,
    body: NoBody,  # noqa: ARG001 (refuses unknown fields)
    principal: Principal,
) -> web.Response:
    """Claim a prospect for the caller: of any number at once exactly one wins.

    To claim again what one holds is no error. 409 names in `claimed_by` and `claimed_at` who
    holds it since when.
    """
    return show(await changes.claim(request.app[DB], path.id, principal))


@routes.post("/{id}/unclaim", response=ProspectRow, roles=WRITERS, errors=(NotFound,))
async def unclaim_prospect(
    request: web.Request,
    path: ProspectPath,
    body: NoBody,  # noqa: ARG001 (refuses unknown fields)
    principal: Principal,
) -> web.Response:
    """Give a claim up: its holder or an admin. What nobody holds stays as it is."""
    return show(await changes.release(request.app[DB], path.id, principal))


@routes.post(
    "/{id}/contact",
    response=ProspectRow,
    roles=WRITERS,
    errors=(NotFound, Conflict),
    idempotent=True,
)
async def contact_prospect(
    request: web.Request, path: ProspectPath, body: Contact, principal: Principal
) -> web.Response:
    """Note a contact: the status it led to, and what was said.

    Only the holder, or anyone while nobody holds it, or an admin. 409 where the status cannot
    follow the present one. With an Idempotency-Key what is sent again is noted once.
    """
    return show(await changes.contact(request.app[DB], path.id, body, principal))
