"""A small service on the HTTP frame: every sort of route and parameter, once."""

import asyncio
from typing import Annotated, Any, cast
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestClient
from pydantic import BaseModel, ConfigDict, Field

from services.common.config import ApiSettings
from services.common.context import Principal
from services.common.db import Database
from services.common.errors import Conflict, NotFound, Unavailable
from services.common.http.app import build_app
from services.common.http.fields import WHOLE, Day, Moment
from services.common.http.routes import Routes
from services.common.http.token import make
from services.common.sql import Query
from services.common.types import Role, State

SECRET = "k" * 32
Client = TestClient[web.Request, web.Application]
routes = Routes("/api/things", "things")


class FakeDatabase:
    """Answers the readiness check, or raises what it is told to."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    async def fetchval(self, q: Query, *args: object) -> int:
        if self.error:
            raise self.error
        return 1

    async def fetch(self, q: Query, *args: object) -> list[Any]:
        return []

    async def execute(self, q: Query, *args: object, timeout: float | None = None) -> str:
        return ""


class ThingQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, description="Page, from 1")
    ratio: float | None = None
    since: Day | None = None
    at: Moment | None = None
    mine: bool = False
    state: list[State] = Field(default_factory=list)


class ThingPath(BaseModel):
    id: UUID


class FailPath(BaseModel):
    how: str


class NewThing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    sizes: list[Annotated[int, WHOLE]] = Field(default_factory=list)


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    deep: bool = False


class Thing(BaseModel):
    """A thing."""

    who: str
    asked: Any = None


@routes.get("")
async def list_things(query: ThingQuery, principal: Principal) -> Thing:
    """List things.

    Newest first.
    """
    return Thing(who=principal.sub, asked=query.model_dump(mode="json"))


@routes.post("", roles={Role.ADMIN, Role.ANALYST}, status=201, errors=(Conflict,))
async def add_thing(body: NewThing) -> Thing:
    """Add a thing."""
    return Thing(who="new", asked=body.model_dump())


@routes.post("/sweep", status=202)
async def sweep_things(body: Options) -> Thing:
    """Tidy up."""
    return Thing(who="sweep", asked=body.deep)


@routes.get("/ready-made", response=Thing, roles=None)
async def ready_made() -> bytes:
    """JSON that somebody else made."""
    return b'{"who":"bytes","asked":null}'


@routes.get("/{id}", etag=True, also=(304,), errors=(NotFound,))
async def get_thing(path: ThingPath) -> Thing:
    """One thing."""
    raise NotFound(f"There is no thing {path.id}")


@routes.delete("/{id}")
async def delete_thing(path: ThingPath) -> None:
    """Remove a thing."""


@routes.get("/fail/{how}", roles=None)
async def fail(path: FailPath) -> Thing:
    """Go wrong."""
    match path.how:
        case "away":
            raise Unavailable("The database cannot be reached", retry_after=1.2)
        case "nonsense":
            raise Unavailable("The answer of another service is no Thing")
        case "slow":
            await asyncio.sleep(5)
        case "timeout":
            raise TimeoutError
        case "moved":
            raise web.HTTPFound("/api/things")
    raise RuntimeError("the password is hunter2")


def settings(**changes: Any) -> ApiSettings:
    """Settings for a test, whatever the environment says."""
    return ApiSettings(
        **{
            "database_url": "postgresql://nobody@127.0.0.1:1/none",
            "jwt_secret": SECRET,
            "not_ready_s": 0,
            "drain_s": 2,
            "rate_limit_max": 0,
            **changes,
        }
    )


def application(db: FakeDatabase | None = None, **changes: Any) -> web.Application:
    """The service with a database that answers."""
    database = cast(Database, db or FakeDatabase())
    return build_app(settings(**changes), [routes], service="things", db=database)


def bearer(role: Role = Role.VIEWER, user: str = "ann", **changes: Any) -> dict[str, str]:
    """Headers of a caller."""
    return {"Authorization": f"Bearer {make(settings(**changes), role, user)}"}
