"""The handler to compare with: aiohttp, asyncpg and orjson, nothing else. `... bare PORT`.

No token, no limit, no log, no metrics, no deadline, no total; the same statements as the
prospects service through the same PgBouncer. `BARE_CONNECTION=ours` swaps asyncpg's connection
for ours, which saves a round trip a query: for information.
"""

import os
import sys
from collections.abc import AsyncIterator
from functools import lru_cache
from urllib.parse import parse_qsl
from uuid import UUID

import asyncpg
import orjson
import uvloop
from aiohttp import web

from services.common.connection import Connection
from services.prospects import store
from services.prospects.filters import ListQuery

POOL: web.AppKey[asyncpg.Pool] = web.AppKey("pool", asyncpg.Pool)


@lru_cache(10_000)
def _statement(query: str) -> tuple[str, list[object]]:
    statement, values = store.page_statement(ListQuery.model_validate(dict(parse_qsl(query))))
    return statement.sql, values


async def listed(request: web.Request) -> web.Response:
    """Page by number, with the filters of the query as they come."""
    sql, values = _statement(request.query_string)
    async with request.app[POOL].acquire() as connection:
        row = await connection.fetchrow(sql, *values)
    page = {"prospects": orjson.Fragment(row["prospects"]), "more": row["more"]}
    return web.Response(body=orjson.dumps(page), content_type="application/json")


async def shown(request: web.Request) -> web.Response:
    """One prospect with all that is told of it."""
    asked = UUID(request.match_info["id"])
    async with request.app[POOL].acquire() as connection:
        row = await connection.fetchrow(store.GET.sql, asked, [])
    if row is None:
        raise web.HTTPNotFound
    return web.Response(body=row["body"], content_type="application/json")


async def _pool(app: web.Application) -> AsyncIterator[None]:
    ours = os.environ.get("BARE_CONNECTION") == "ours"
    app[POOL] = await asyncpg.create_pool(
        os.environ["DATABASE_URL"],
        min_size=20,
        max_size=20,
        statement_cache_size=0,
        connection_class=Connection if ours else asyncpg.Connection,
    )
    yield
    await app[POOL].close()


def build() -> web.Application:
    """The application."""
    app = web.Application()
    app.router.add_get("/api/prospects", listed)
    app.router.add_get("/api/prospects/{id}", shown)
    app.cleanup_ctx.append(_pool)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(build(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
