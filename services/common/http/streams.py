"""Answers sent while they are made: in constant memory, and cut off rather than waited for.

What makes the parts holds no connection while a part is written, so that a slow reader costs a
socket and nothing else. A failure after the first byte cannot become a problem document: the
connection is dropped, so that the client sees the answer broken off, not whole.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from aiohttp import hdrs, web

from services.common import metrics
from services.common.errors import AppError
from services.common.http.state import DEADLINE

log = logging.getLogger(__name__)
_SLICE = 64 * 1024


class StalledReader(AppError, status=408):
    """The client left the answer unread for too long and was cut off."""


async def send(
    request: web.Request,
    parts: AsyncGenerator[bytes, None],
    *,
    headers: Mapping[str, str],
    first_s: float,
    stall_s: float,
    size: int | None = None,
) -> web.StreamResponse:
    """Send `parts` as they come; `size` in bytes is announced where it is known.

    In place of the request's deadline the first part may take `first_s` seconds, and what it
    raises is answered as ever; from there on the client has `stall_s` for each 64 KiB. `parts`
    is closed in any case, early where the client hangs up.
    """
    async with aclosing(parts):
        request[DEADLINE].reschedule(asyncio.get_running_loop().time() + first_s)
        first = await anext(parts, b"")
        request[DEADLINE].reschedule(None)
        response = web.StreamResponse(headers=dict(headers))
        response.content_length = size
        try:
            await response.prepare(request)
            if request.method == hdrs.METH_HEAD:
                return response
            await _write(response, first, stall_s)
            async for part in parts:
                await _write(response, part, stall_s)
            await response.write_eof()
        except ConnectionError:
            log.info("the client hung up")
        except Exception as exc:
            _break_off(request, exc)
    return response


async def _write(response: web.StreamResponse, part: bytes, stall_s: float) -> None:
    view = memoryview(part)
    for start in range(0, len(view), _SLICE):
        try:
            async with asyncio.timeout(stall_s):
                await response.write(view[start : start + _SLICE])
        except TimeoutError as exc:
            raise StalledReader from exc


def _break_off(request: web.Request, exc: Exception) -> None:
    code = exc.code if isinstance(exc, AppError) else AppError.code
    metrics.errors_total.labels(code).inc()
    known = isinstance(exc, AppError)
    log.warning("answer broken off: %s", exc, extra={"code": code}, exc_info=None if known else exc)
    if request.transport is not None:
        request.transport.abort()
