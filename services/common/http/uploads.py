"""Files that come in with a request: written to a temporary folder while they arrive.

A body is either the file itself or a form (multipart/form-data) of several. In place of the
request's deadline the client has `stall_s` seconds for each piece and `total_s` for all.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from services.common.errors import (
    BadRequest,
    PayloadTooLarge,
    RequestTimeout,
    Unavailable,
    UnsupportedMediaType,
)
from services.common.http.state import DEADLINE

MOST_FILES = 16
NAME_MAX = 200
MEDIA_TYPES = ("multipart/form-data", "application/octet-stream", "application/zip",
               "application/xml", "text/csv", "text/plain")  # fmt: skip
_PIECE = 256 * 1024
_ALSO = ("application/x-zip-compressed", "text/xml", "application/x-www-form-urlencoded")
_NO_FORM = (
    web.RequestPayloadError, HttpProcessingError, ConnectionError, ValueError, AssertionError,
)  # fmt: skip
Read = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """A file of the request: the name the client gives it, and where it lies now."""

    name: str
    path: Path
    size: int
    digest: bytes


@dataclass(slots=True)
class _Intake:
    """Takes files into `folder`, no more than `limit` bytes together."""

    folder: Path
    limit: int
    stall_s: float
    taken: int = 0
    files: list[Received] = field(default_factory=list)

    async def take(self, name: str, read: Read) -> None:
        """One file to its end. Raises PayloadTooLarge, RequestTimeout, BadRequest."""
        if len(self.files) == MOST_FILES:
            raise PayloadTooLarge(f"More than {MOST_FILES} files came in one request")
        path = self.folder / str(len(self.files))
        digest, size = blake2b(digest_size=16), 0
        with await asyncio.to_thread(path.open, "wb") as out:
            while piece := await self._piece(read):
                size += len(piece)
                self.taken += len(piece)
                if self.taken > self.limit:
                    raise PayloadTooLarge(f"The files are larger than {self.limit} bytes together")
                digest.update(piece)
                await asyncio.to_thread(out.write, piece)
        self.files.append(Received(_shown(name), path, size, digest.digest()))

    async def _piece(self, read: Read) -> bytes:
        try:
            async with asyncio.timeout(self.stall_s):
                return await read()
        except TimeoutError as exc:
            raise RequestTimeout(f"Nothing of the file came for {self.stall_s:g} s") from exc


@asynccontextmanager
async def received(
    request: web.Request, *, name: str, limit: int, stall_s: float, total_s: float
) -> AsyncIterator[list[Received]]:
    """The files of a request while the block runs; `name` is that of a body without a form.

    Raises UnsupportedMediaType, BadRequest, PayloadTooLarge, RequestTimeout, Unavailable.
    """
    if (request.content_length or 0) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit} bytes")
    request[DEADLINE].reschedule(asyncio.get_running_loop().time() + total_s)
    with TemporaryDirectory(prefix="ucc-upload-") as folder:
        intake = _Intake(Path(folder), limit, stall_s)
        try:
            await _fill(intake, request, name)
        except _NO_FORM as exc:
            raise BadRequest("The body broke off, or is no form as its headers say") from exc
        except OSError as exc:
            raise Unavailable("There is no room for the file now", retry_after=60) from exc
        if not any(file.size for file in intake.files):
            raise BadRequest("The body is empty: send the file, for instance curl --data-binary @")
        yield intake.files


async def _fill(intake: _Intake, request: web.Request, name: str) -> None:
    kind = request.content_type
    if kind == "multipart/form-data":
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.filename:
                raise BadRequest("Every part of the form must be a file, with its filename")
            await intake.take(part.filename, partial(part.read_chunk, _PIECE))
    elif kind in MEDIA_TYPES or kind in _ALSO:
        await intake.take(name, partial(request.content.read, _PIECE))
    else:
        kinds = ", ".join(MEDIA_TYPES)
        raise UnsupportedMediaType(f"A file comes as one of {kinds}, not as {kind}")


def _shown(name: str) -> str:
    """The last part of a client's name for a file, printable; it never becomes a path."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable())[:NAME_MAX] or "file"
