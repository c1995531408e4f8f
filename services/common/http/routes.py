"""Typed routes: a handler's signature is the contract, checked here and told by openapi.py.

A handler may take `request: web.Request`, `principal: Principal` and pydantic models named
`path`, `query` and `body`. It returns a pydantic model, finished JSON as bytes (`response` then
names the model for the document), a web.Response, or None for 204.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from textwrap import shorten
from typing import TypedDict, Unpack, get_type_hints

import pydantic_core
from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.common import context
from services.common.db import Database
from services.common.errors import (
    AppError,
    BadRequest,
    RequestTimeout,
    UnsupportedMediaType,
    ValidationFailed,
)
from services.common.http import idempotency
from services.common.http.auth import authorize
from services.common.http.guard import caller
from services.common.http.state import SETTINGS
from services.common.types import Role

Handler = Callable[..., Awaitable[BaseModel | bytes | web.StreamResponse | None]]
DB: web.AppKey[Database] = web.AppKey("db", Database)
EVERYONE = frozenset(Role)
_INPUTS = ("path", "query", "body")


class Options(TypedDict, total=False):
    """What a route may say beside its address; a route is open to EVERYONE with a token."""

    roles: Collection[Role] | None  # None: no token needed
    status: int
    response: type[BaseModel]
    also: tuple[int, ...]  # other statuses that carry `response`
    errors: tuple[type[AppError], ...]  # beyond those that the frame itself raises
    files: tuple[str, ...]  # media types of a file that `status` carries instead
    uploads: tuple[str, ...]  # media types of files that the handler takes as the body
    idempotent: bool  # an Idempotency-Key makes it happen once; see idempotency.py
    etag: bool  # answers carry an ETag; GET takes If-None-Match, a change If-Match


@dataclass(frozen=True, slots=True)
class Route:
    """An operation: everything that registration and the document need to know."""

    method: str
    path: str
    tag: str
    handler: Handler
    inputs: dict[str, type[BaseModel]]
    takes: frozenset[str]
    roles: Collection[Role] | None
    status: int
    response: type[BaseModel] | None
    also: tuple[int, ...]
    errors: tuple[type[AppError], ...]
    files: tuple[str, ...]
    uploads: tuple[str, ...]
    idempotent: bool
    etag: bool

    async def endpoint(self, request: web.Request) -> web.StreamResponse:
        """Authenticate, read the inputs, call the handler, encode what it returns."""
        arguments: dict[str, object] = {"request": request} if "request" in self.takes else {}
        if self.roles is not None:
            principal = caller(request)
            authorize(principal, self.roles)
            if "principal" in self.takes:
                arguments["principal"] = principal
        for name, model in self.inputs.items():
            arguments[name] = await _READERS[name](request, model)

        async def answer() -> web.StreamResponse:
            return encode(await self.handler(**arguments), self.status)

        who = context.principal.get()
        if not self.idempotent or who is None or idempotency.HEADER not in request.headers:
            return await answer()
        return await idempotency.once(
            request, request.app[DB], who.sub, f"{self.method} {self.path}", arguments, answer
        )


class Routes:
    """The operations of a service below one prefix."""

    def __init__(self, prefix: str = "", tag: str = "") -> None:
        self.prefix, self.tag = prefix, tag
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Register a GET; aiohttp answers HEAD by it too."""
        return self._add("GET", path, options)

    def post(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Register a POST."""
        return self._add("POST", path, options)

    def put(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Register a PUT."""
        return self._add("PUT", path, options)

    def patch(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Register a PATCH."""
        return self._add("PATCH", path, options)

    def delete(self, path: str, **options: Unpack[Options]) -> Callable[[Handler], Handler]:
        """Register a DELETE."""
        return self._add("DELETE", path, options)

    def _add(self, method: str, path: str, options: Options) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            hints = get_type_hints(handler)
            returned = hints.pop("return", None)
            route = Route(
                method=method,
                path=self.prefix + path,
                tag=self.tag,
                handler=handler,
                inputs={name: hints[name] for name in _INPUTS if name in hints},
                takes=frozenset(hints),
                roles=options.get("roles", EVERYONE),
                status=options.get("status", 204 if returned is type(None) else 200),
                response=options.get("response") or (returned if _is_model(returned) else None),
                also=options.get("also", ()),
                errors=options.get("errors", ()),
                files=options.get("files", ()),
                uploads=options.get("uploads", ()),
                idempotent=options.get("idempotent", False),
                etag=options.get("etag", False),
            )
            _check(route)
            self._routes.append(route)
            return handler

        return register


def encode(result: object, status: int) -> web.StreamResponse:
    """JSON of what a handler returned; `status` counts unless it is a response already."""
    if isinstance(result, web.StreamResponse):
        return result
    if result is None:
        return web.Response(status=204)
    body = result if isinstance(result, bytes) else pydantic_core.to_json(result, by_alias=True)
    return web.Response(body=body, status=status, content_type="application/json")


def _is_model(hint: object) -> bool:
    return inspect.isclass(hint) and issubclass(hint, BaseModel)


def _check(route: Route) -> None:
    """A route that cannot keep its promises is a defect: found when it is imported."""
    where = f"{route.method} {route.path}"
    if unknown := route.takes - {"request", "principal", *_INPUTS}:
        raise TypeError(f"{where}: parameters nobody fills: {', '.join(sorted(unknown))}")
    if "principal" in route.takes and route.roles is None:
        raise TypeError(f"{where}: an open route has no principal")
    if route.idempotent and (route.roles is None or route.method != "POST"):
        raise TypeError(f"{where}: only a POST with a principal can be idempotent")
    for name, model in route.inputs.items():
        if not _is_model(model):
            raise TypeError(f"{where}: {name} must be a pydantic model")
        if name != "path" and model.model_config.get("extra") != "forbid":
            raise TypeError(
                f'{where}: {model.__name__} must refuse unknown fields (extra="forbid")'
            )
    named = set(re.findall(r"{(\w+)", route.path))
    if named != set(route.inputs["path"].model_fields if "path" in route.inputs else ()):
        raise TypeError(f"{where}: `path` must be a model of exactly the fields {sorted(named)}")


async def _read_path(request: web.Request, model: type[BaseModel]) -> BaseModel:
    kinds = _kinds(model)
    values = {k: _typed(v, kinds[k]) for k, v in request.match_info.items()}
    return _validated(model, pydantic_core.to_json(values), "path")


async def _read_query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    kinds, values = _kinds(model), dict[str, object]()
    for name in request.query:
        kind, texts = kinds.get(name, ""), request.query.getall(name)
        if kind.startswith("array"):
            values[name] = [_typed(text, kind[6:]) for text in texts]
        elif len(texts) > 1:
            problem = {"pointer": f"/query/{name}", "detail": "Given more than once"}
            raise ValidationFailed(errors=[problem])
        else:
            values[name] = _typed(texts[0], kind)
    return _validated(model, pydantic_core.to_json(values), "query")


async def _read_body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    try:
        async with asyncio.timeout(request.app[SETTINGS].body_timeout_s):
            raw = await request.read()
    except TimeoutError as exc:
        raise RequestTimeout from exc
    except web.RequestPayloadError as exc:
        raise BadRequest("The body broke off or is not encoded as its headers say") from exc
    if raw and request.content_type != "application/json":
        raise UnsupportedMediaType
    return _validated(model, raw or b"{}", "body")


_READERS = {"path": _read_path, "query": _read_query, "body": _read_body}


def _validated(model: type[BaseModel], raw: bytes, place: str) -> BaseModel:
    # PostgreSQL text cannot hold NUL, so no input may
    if b"\\u0000" in raw:
        raise BadRequest("The request has a NUL character in it")
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        raise BadRequest(f"The body is not valid JSON: {found[0]['msg']}")
    problems = [
        {"pointer": _pointer(place, e["loc"]), "detail": e["msg"].removeprefix("Value error, ")}
        for e in found
    ]
    shown = "; ".join(f"{p['pointer']}: {shorten(p['detail'], 90)}" for p in problems[:3])
    raise ValidationFailed(f"Not valid: {shown}", errors=problems)


def _pointer(place: str, loc: tuple[int | str, ...]) -> str:
    return "/".join(["", place, *(str(p).replace("~", "~0").replace("/", "~1") for p in loc)])


@lru_cache
def _kinds(model: type[BaseModel]) -> dict[str, str]:
    """JSON type of each field, as `integer`, `array integer`, ...; other types are ``."""
    kinds = {}
    for name, schema in model.model_json_schema(by_alias=True)["properties"].items():
        options = [schema, *schema.get("anyOf", ())]
        types = {o["type"]: o for o in options if o.get("type", "null") != "null"}
        kind = next(iter(types), "")
        kinds[name] = f"array {types[kind]['items'].get('type', '')}" if kind == "array" else kind
    return kinds


_NUMBERS = {
    "integer": (re.compile(r"-?(0|[1-9]\d*)"), int),
    "number": (re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?"), float),
}


def _typed(text: str, kind: str) -> object:
    """Text of an address as the JSON value of its field, else as it is, for pydantic to refuse."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in _NUMBERS and len(text) < 30:
        pattern, convert = _NUMBERS[kind]
        return convert(text) if pattern.fullmatch(text) else text
    return text
