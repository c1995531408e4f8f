"""HTTP of the sample register: SODA 2 resources, bulk CSV, health, metrics and fault switches."""

import asyncio

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

from services.sample_register.dataset import Dataset
from services.sample_register.export import bulk_csv
from services.sample_register.faults import Faults, Switches
from services.sample_register.query import Engine
from services.sample_register.soda import SodaError, parse

# A list of 800 ids is a request line of 20 kB; aiohttp takes 8 kB unless told otherwise.
MAX_LINE = 256 * 1024

DATASET: web.AppKey[Dataset] = web.AppKey("dataset", dict)
ENGINES: web.AppKey[dict[str, Engine]] = web.AppKey("engines", dict)
FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)


def make_app(dataset: Dataset, rate: float | None = None) -> web.Application:
    """The application over a built register; `rate` is in requests a second, None no limit."""
    app = web.Application(client_max_size=64 * 1024)
    app[DATASET] = dataset
    app[ENGINES] = {id_: Engine(table) for id_, table in dataset.items()}
    app[FAULTS] = Faults(rate)
    app.add_routes(
        [
            web.get("/resource/{id}.json", resource),
            web.get("/api/views/{id}/rows.csv", bulk),
            web.get("/_control", control),
            web.post("/_control", control),
            web.get("/metrics", metrics),
            *(web.get(path, health) for path in ("/health", "/health/ready", "/health/live")),
        ]
    )
    return app


async def resource(request: web.Request) -> web.StreamResponse:
    """GET /resource/{id}.json: rows as a JSON array; 400 and 404 in Socrata's form."""
    faults = request.app[FAULTS]
    if (refusal := await faults.before()) is not None:
        return refusal
    engine = request.app[ENGINES].get(request.match_info["id"])
    if engine is None:
        return _missing()
    try:
        body = engine.answer(parse(engine.table.spec, request.query))
    except SodaError as exc:
        return _error(400, exc.code, exc.message)
    headers = {"Content-Type": "application/json;charset=utf-8"}
    if faults.cut():
        return await _half(request, body, headers)
    return web.Response(body=body, headers=headers)


async def bulk(request: web.Request) -> web.StreamResponse:
    """GET /api/views/{id}/rows.csv?accessType=DOWNLOAD: a data set as one CSV."""
    if (refusal := await request.app[FAULTS].before()) is not None:
        return refusal
    table = request.app[DATASET].get(request.match_info["id"])
    if table is None:
        return _missing()
    response = web.StreamResponse(headers={"Content-Type": "text/csv; charset=utf-8"})
    await response.prepare(request)
    for part in bulk_csv(table):
        await response.write(part)
        await asyncio.sleep(0)
    await response.write_eof()
    return response


async def control(request: web.Request) -> web.Response:
    """GET /_control shows the fault switches and counts, POST sets those in its JSON body."""
    faults = request.app[FAULTS]
    if request.method == "POST":
        try:
            faults.set(Switches.model_validate_json(await request.read()))
        except ValidationError as exc:
            problems = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in exc.errors()]
            return _error(400, "control.invalid", "; ".join(problems))
    return web.json_response(faults.state(), dumps=lambda value: orjson.dumps(value).decode())


async def metrics(_: web.Request) -> web.Response:
    """GET /metrics: CPU seconds and memory of this process, to be taken off a benchmark's."""
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def health(request: web.Request) -> web.Response:
    """GET /health: 200 with the rows of each data set; the port opens once all are there."""
    rows = {table.spec.name: len(table.rows) for table in request.app[DATASET].values()}
    return web.json_response({"status": "ok", "rows": rows})


async def _half(request: web.Request, body: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Half of what Content-Length promises, then a closed connection."""
    response = web.StreamResponse(headers=headers | {"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _missing() -> web.Response:
    return _error(404, "dataset.missing", "Not found")


def _error(status: int, code: str, message: str) -> web.Response:
    body = {"code": code, "error": True, "errorCode": code, "message": message, "data": {}}
    return web.json_response(body, status=status)
