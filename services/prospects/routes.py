"""Addresses of the prospects service; all four roles may read."""

import orjson
from aiohttp import web

from services.common.errors import NotFound
from services.common.http.app import DB
from services.common.http.routes import Routes
from services.prospects import service
from services.prospects.models import ListQuery, Prospect, ProspectList, ProspectPath

routes = Routes("/api/prospects", tag="prospects")


@routes.get("", response=ProspectList)
async def list_prospects(request: web.Request, query: ListQuery) -> bytes:
    """Prospects that match every given filter, highest priority first.

    Each finding (MCA, stacking, renewal, distress, industry) comes with its evidence. A page
    beyond the last is empty.
    """
    page = await service.list_prospects(request.app[DB], query)
    return orjson.dumps(
        {
            "prospects": orjson.Fragment(page.prospects),
            "pagination": page.pagination.model_dump(),
        }
    )


@routes.get("/{id}", response=Prospect, errors=(NotFound,))
async def get_prospect(request: web.Request, path: ProspectPath) -> bytes:
    """One prospect: its filings, signals, score components and health besides the list's fields."""
    return await service.get_prospect(request.app[DB], path.id)
