"""Addresses of the prospects service that read; all four roles may."""

import orjson
from aiohttp import web

from services.common.errors import NotFound
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.prospects import service
from services.prospects.filters import ListQuery
from services.prospects.forms import HealthQuery, HistoryQuery
from services.prospects.models import (
    HealthHistory,
    History,
    Prospect,
    ProspectList,
    ProspectPath,
)
from services.prospects.service import Catalogue
from services.prospects.shelf import Shelf, Shown

CATALOGUE: web.AppKey[Catalogue] = web.AppKey("catalogue", Catalogue)
SHELF: web.AppKey[Shelf] = web.AppKey("shelf", Shelf)
routes = Routes("/api/prospects", tag="prospects")


@routes.get("", response=ProspectList)
async def list_prospects(request: web.Request, query: ListQuery) -> web.Response:
    """Prospects that match every given filter, highest priority first.

    Each finding (MCA, stacking, renewal, distress, industry) comes with its evidence. A page
    beyond the last is empty. `next`, also as `Link: rel="next"`, is the cursor to go on with: by
    it every page is as quick as the first, and changes meanwhile neither repeat nor skip others.
    """
    page = await request.app[CATALOGUE].list_prospects(query)
    body = orjson.dumps(
        {
            "prospects": orjson.Fragment(page.prospects),
            "pagination": page.pagination.model_dump(),
            "next": page.next,
        }
    )
    headers = {"Link": _next_link(request, page.next)} if page.next else None
    return web.Response(body=body, content_type="application/json", headers=headers)


@routes.get("/{id}", response=Prospect, also=(304,), etag=True, errors=(NotFound,))
async def get_prospect(request: web.Request, path: ProspectPath) -> web.Response:
    """One prospect: its filings, signals, score components and health besides the list's fields.

    With `If-None-Match` of an ETag that is still right: 304 without a body.
    """
    given = request.headers.get("If-None-Match")
    known = [tag.strip().removeprefix("W/").strip('"') for tag in given.split(",")] if given else []
    shown = await service.get_prospect(request.app[DB], request.app[SHELF], path.id, known)
    return show(shown) if shown.body is not None else web.Response(status=304, headers=_tag(shown))


@routes.get("/{id}/history", response=History, errors=(NotFound,))
async def get_prospect_history(
    request: web.Request, path: ProspectPath, query: HistoryQuery
) -> bytes:
    """What persons and jobs changed, newest first: who, when, before and after.

    It outlives the prospect: what was deleted still has its history.
    """
    changes, following = await service.history(request.app[DB], path.id, query.before, query.limit)
    return orjson.dumps({"history": orjson.Fragment(changes), "next": following})


@routes.get("/{id}/health", response=HealthHistory, errors=(NotFound,))
async def get_prospect_health(
    request: web.Request, path: ProspectPath, query: HealthQuery
) -> bytes:
    """Health day by day, newest first: score, grade, trend and why, the components it sums up."""
    days, following = await service.health(request.app[DB], path.id, query.before, query.limit)
    return orjson.dumps({"health": orjson.Fragment(days), "next": following})


def show(shown: Shown, status: int = 200, **headers: str) -> web.Response:
    """A prospect with its ETag."""
    return web.Response(
        body=shown.body,
        status=status,
        content_type="application/json",
        headers=_tag(shown) | headers,
    )


def _tag(shown: Shown) -> dict[str, str]:
    return {"ETag": f'"{shown.tag}"'}


def _next_link(request: web.Request, cursor: str) -> str:
    """The same question from the cursor on (RFC 8288)."""
    asked = request.rel_url.raw_query_string.split("&")
    kept = [each for each in asked if each and not each.startswith(("page=", "cursor="))]
    return f'<{request.path}?{"&".join([*kept, f"cursor={cursor}"])}>; rel="next"'
