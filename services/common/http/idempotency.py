"""Idempotency-Key: a POST that is sent twice happens once, and both get the very same answer.

The routes call `once` around a handler that creates something. Effect, key and answer are one
transaction: a crash leaves either all of them or none. Answers that may change by themselves
(5xx and other retryable ones) are not kept. draft-ietf-httpapi-idempotency-key-header-07.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from pathlib import Path

import orjson
from aiohttp import web
from asyncpg import Record
from pydantic import BaseModel

from services.common.db import Database, Executor
from services.common.errors import (
    AppError,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    ValidationFailed,
)
from services.common.http import problems
from services.common.sql import load

Q = load(Path(__file__).with_name("idempotency.sql"))
HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
PATTERN = "^[!-~]{1,255}$"
_RETRY_S = 1.0


async def once(
    request: web.Request,
    db: Database,
    owner: str,
    route: str,
    inputs: Mapping[str, object],
    answer: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """The answer of `answer`, or the one that the first request of `owner` with this key got.

    Every call on `db` within `answer` joins one transaction. Raises IdempotencyInProgress,
    IdempotencyKeyReused, ValidationFailed.
    """
    key = request.headers[HEADER]
    if not re.fullmatch(PATTERN, key):
        problem = {"pointer": f"/header/{HEADER}", "detail": "1 to 255 visible ASCII characters"}
        raise ValidationFailed(f"{HEADER} is not valid", errors=[problem])
    digest = _digest(route, inputs)
    async with db.shared() as tx:
        if not await tx.fetchval(Q["idempotency_lock"], owner, key):
            raise IdempotencyInProgress(retry_after=_RETRY_S)
        # a statement of its own: one that began before the lock may not see what it waited for
        if first := await tx.fetchrow(Q["idempotency_find"], owner, key):
            return _replay(first, digest)
        response = await _first(request, db, answer)
        await _keep(tx, (owner, key, route, digest), response)
        return response


async def _first(
    request: web.Request, db: Database, answer: Callable[[], Awaitable[web.StreamResponse]]
) -> web.Response:
    try:
        async with db.transaction():
            response = await answer()
    except AppError as exc:
        if exc.status >= 500 or exc.retryable:
            raise
        response = problems.respond(request, exc)
    if not isinstance(response, web.Response):
        raise TypeError("an idempotent route cannot stream its answer")
    return response


async def _keep(tx: Executor, request: tuple[object, ...], response: web.Response) -> None:
    body = response.body
    if not isinstance(body, bytes | bytearray | None):
        raise TypeError("an idempotent route answers with bytes")
    headers = {str(name): value for name, value in response.headers.items()}
    await tx.execute(Q["idempotency_keep"], *request, response.status, bytes(body or b""), headers)


def _replay(first: Record, digest: bytes) -> web.Response:
    if first["request_hash"] != digest:
        raise IdempotencyKeyReused
    headers = {**first["response_headers"], REPLAYED: "true"}
    return web.Response(
        status=first["response_status"], body=first["response_body"] or None, headers=headers
    )


def _digest(route: str, inputs: Mapping[str, object]) -> bytes:
    """Of the request as it was understood: spelling and order of its JSON do not matter."""
    read = {
        name: value.model_dump(mode="json")
        for name, value in inputs.items()
        if isinstance(value, BaseModel)
    }
    text = orjson.dumps([route, read], option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).digest()
