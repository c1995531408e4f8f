"""Addresses of exports. Exporting is reading: all four roles may, and the trail notes each."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from aiohttp import web

from services.common import xlsx
from services.common.context import Principal
from services.common.errors import Conflict, Forbidden, Gone, NotFound, Unprocessable
from services.common.http.routes import Routes, encode
from services.common.http.state import SETTINGS
from services.common.http.streams import send
from services.prospects.export import Exports
from services.prospects.export_models import ExportFile, ExportPath, ExportRequest, Format
from services.prospects.settings import ProspectsSettings

EXPORTS: web.AppKey[Exports] = web.AppKey("exports", Exports)
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": xlsx.MEDIA_TYPE,
}
_FILES = tuple(kind.partition(";")[0] for kind in MEDIA_TYPES.values())
routes = Routes("/api/prospects", tag="exports")


@routes.post(
    "/export",
    response=ExportFile,
    files=_FILES,
    also=(202,),
    errors=(NotFound, Unprocessable),
)
async def export_prospects(
    request: web.Request, principal: Principal, body: ExportRequest
) -> web.StreamResponse:
    """Prospects as a file, highest priority first.

    csv and json are sent while they are read, however many; a prospect whose score changes
    meanwhile may be left out or come twice. In csv a text that a spreadsheet would run as a
    formula has a `'` in front. Ids that do not exist are left out and counted in the header
    `X-Missing-Count`; 404 where none exists. An xlsx of more than 50,000 rows is made by a job:
    202, `Location` tells where it stands, `download` is the address of the file. An answer that
    breaks off is not whole. Idempotency-Key has no effect: nothing but a file comes of it.
    """
    exports = request.app[EXPORTS]
    selection = await exports.select(body)
    if await exports.needs_job(body.format, selection):
        file = await exports.order(body.format, selection, principal)
        answer = encode(file, 202)
        answer.headers["Location"] = f"/api/prospects/exports/{file.id}"
        return answer
    headers = _headers(body.format)
    if selection.missing:
        headers["X-Missing-Count"] = str(selection.missing)
    return await _send(request, exports.begin(body.format, selection).parts(), headers)


@routes.get("/exports/{id}", errors=(NotFound, Forbidden, Gone))
async def get_export(request: web.Request, principal: Principal, path: ExportPath) -> ExportFile:
    """Where a file that a job makes stands: for who asked for it, and admins.

    410 a day after it was made.
    """
    return await request.app[EXPORTS].get(path.id, principal)


@routes.get(
    "/exports/{id}/file",
    files=_FILES,
    errors=(NotFound, Forbidden, Conflict, Gone),
)
async def download_export(
    request: web.Request, principal: Principal, path: ExportPath
) -> web.StreamResponse:
    """The file that a job made; 409 before it is ready, 410 after a day."""
    exports = request.app[EXPORTS]
    file = await exports.download(path.id, principal)
    return await _send(request, exports.chunks(file), _headers(file.format), file.size)


def _headers(form: Format) -> dict[str, str]:
    name = f"prospects-{datetime.now(UTC):%Y-%m-%d}.{form}"
    return {
        "Content-Type": MEDIA_TYPES[form],
        "Content-Disposition": f'attachment; filename="{name}"',
    }


async def _send(
    request: web.Request,
    parts: AsyncGenerator[bytes, None],
    headers: dict[str, str],
    size: int | None = None,
) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    assert isinstance(settings, ProspectsSettings)  # noqa: S101 build() gave them
    return await send(
        request,
        parts,
        headers=headers,
        size=size,
        first_s=settings.export_first_s,
        stall_s=settings.export_stall_s,
    )
