"""Finished bodies as gzip where the client takes it; streams and answers with an ETag stay.

A strong ETag names one encoding (RFC 9110, 8.8.3) and If-Match compares strongly, so an answer
that carries one keeps its plain body.
"""

import asyncio
import re
import zlib
from functools import lru_cache

from aiohttp import hdrs, web

_LEAST = 1024
_INLINE = 128 * 1024  # about a millisecond; more goes to a thread
_TEXT = ("application/json", "application/problem+json", "text/")
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*([\d.]+)\s*)?(?=,|$)", re.I)


async def compress(request: web.Request, response: web.StreamResponse) -> None:
    """Replace the body of `response` by its gzip where that is of use."""
    if not isinstance(response, web.Response) or not isinstance(body := response.body, bytes):
        return
    headers = response.headers
    if len(body) < _LEAST or hdrs.ETAG in headers:
        return
    if response.compression or hdrs.CONTENT_ENCODING in headers:
        return
    if not response.content_type.startswith(_TEXT):
        return
    headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
    if not _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")[:200]):
        return
    if len(body) <= _INLINE:
        response.body = _gzip(body)
    else:
        response.body = await asyncio.to_thread(_gzip, body)
    headers[hdrs.CONTENT_ENCODING] = "gzip"


@lru_cache(256)
def _takes_gzip(accepted: str) -> bool:
    found = _GZIP.search(accepted)
    return found is not None and (found[1] is None or found[1].strip("0.") != "")


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(level=1, wbits=31)
    return packer.compress(body) + packer.flush()
