"""The typed client: deadline, repeats of safe verbs, context passed on, errors as themselves."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import BaseModel

from services.common import context
from services.common.errors import (
    AppError,
    Conflict,
    DeadlineExceeded,
    NotFound,
    RateLimited,
    Unavailable,
    ValidationFailed,
)
from services.common.http.client import ServiceClient
from tests.stack.ports import free_port
from tests.unit.common.service import Thing, application, bearer

ID = "11111111-1111-4111-8111-111111111111"


class NewThing(BaseModel):
    name: str | int


class Script:
    """Answers what a test says, in turn; remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[web.Response | float] = []
        self.asked: list[web.Request] = []
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self.server = TestServer(app)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if self.answers else good()
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return good()
        return answer


def good() -> web.Response:
    return web.json_response({"who": "ann"})


def bad(status: int, **headers: str) -> web.Response:
    return web.Response(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    made = Script()
    async with made.server:
        yield made


@pytest.fixture
async def calls(script: Script) -> AsyncIterator[ServiceClient]:
    url = str(script.server.make_url(""))
    async with ServiceClient(url, deadline_s=5, backoff_s=0.01) as client:
        yield client


@pytest.fixture
async def things() -> AsyncIterator[ServiceClient]:
    """A client of a real service, as a viewer."""
    async with TestServer(application()) as server:
        context.authorization.set(bearer()["Authorization"])
        async with ServiceClient(str(server.make_url(""))) as client:
            yield client
        context.authorization.set(None)


async def test_an_answer_is_a_model(things: ServiceClient) -> None:
    context.authorization.set(bearer()["Authorization"])
    thing = await things.get("/api/things", Thing, {"page": 2, "state": ["CO", "CT"], "mine": True})
    assert thing.who == "ann"
    assert (thing.asked["page"], thing.asked["state"], thing.asked["mine"]) == (
        2, ["CO", "CT"], True,
    )  # fmt: skip


async def test_an_error_is_the_one_that_was_raised_there(things: ServiceClient) -> None:
    context.authorization.set(bearer()["Authorization"])
    with pytest.raises(NotFound, match=f"There is no thing {ID}"):
        await things.get(f"/api/things/{ID}", Thing)
    context.authorization.set(None)
    with pytest.raises(AppError) as raised:
        await things.get("/api/things", Thing)
    assert raised.value.code == "unauthorized"


async def test_invalid_fields_come_with_their_pointers(script: Script) -> None:
    problem = {"code": "validation_failed", "detail": "no", "errors": [{"pointer": "/body/a"}]}
    script.answers = [web.json_response(problem, status=400)]
    async with ServiceClient(str(script.server.make_url(""))) as client:
        with pytest.raises(ValidationFailed) as raised:
            await client.post("/x", Thing, NewThing(name="a"))
    assert raised.value.errors == [{"pointer": "/body/a"}]


async def test_request_id_and_token_of_the_caller_are_passed_on(
    calls: ServiceClient, script: Script
) -> None:
    context.request_id.set("trace-1")
    context.authorization.set("Bearer of-the-caller")
    await calls.get("/x", Thing)
    headers = script.asked[0].headers
    assert (headers["X-Request-Id"], headers["Authorization"]) == (
        "trace-1", "Bearer of-the-caller",
    )  # fmt: skip


async def test_without_a_caller_the_client_has_its_own_token(script: Script) -> None:
    url = str(script.server.make_url(""))
    async with ServiceClient(url, token=lambda: "own") as client:
        await client.get("/x", Thing)
    assert script.asked[0].headers["Authorization"] == "Bearer own"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_safe_verb_is_repeated(calls: ServiceClient, script: Script, status: int) -> None:
    script.answers = [bad(status), bad(status)]
    assert (await calls.get("/x", Thing)).who == "ann"
    assert len(script.asked) == 3


async def test_a_change_is_not_repeated_without_a_key(calls: ServiceClient, script: Script) -> None:
    script.answers = [bad(503)]
    with pytest.raises(Unavailable):
        await calls.post("/x", Thing, NewThing(name="a"))
    assert len(script.asked) == 1


async def test_a_change_with_a_key_is_repeated(calls: ServiceClient, script: Script) -> None:
    script.answers = [bad(503)]
    await calls.post("/x", Thing, NewThing(name="a"), key="k1")
    assert [request.headers["Idempotency-Key"] for request in script.asked] == ["k1", "k1"]


async def test_what_is_wrong_is_not_repeated(calls: ServiceClient, script: Script) -> None:
    script.answers = [bad(409)]
    with pytest.raises(Conflict):
        await calls.get("/x", Thing)
    assert len(script.asked) == 1


async def test_a_wait_longer_than_the_deadline_is_not_waited(
    calls: ServiceClient, script: Script
) -> None:
    script.answers = [bad(429, Retry_After="60")]
    begun = time.monotonic()
    with pytest.raises(RateLimited) as raised:
        await calls.get("/x", Thing)
    assert raised.value.retry_after == 60
    assert time.monotonic() - begun < 4


async def test_the_deadline_holds_over_all_attempts(script: Script) -> None:
    script.answers = [bad(503), 5.0]
    begun, url = time.monotonic(), str(script.server.make_url(""))
    async with ServiceClient(url, deadline_s=1, backoff_s=0.01) as client:
        with pytest.raises(DeadlineExceeded):
            await client.get("/x", Thing)
    assert time.monotonic() - begun > 0.8


async def test_a_service_that_is_away_is_unavailable() -> None:
    async with ServiceClient(f"http://127.0.0.1:{free_port()}", backoff_s=0.01) as client:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.get("/x", Thing)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"other": 1}', b"[]"])
async def test_an_answer_of_another_shape_is_unavailable(
    calls: ServiceClient, script: Script, body: bytes
) -> None:
    script.answers = [web.Response(body=body)]
    with pytest.raises(Unavailable, match="no Thing"):
        await calls.get("/x", Thing)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": 5, "detail": null}'])
async def test_a_failure_without_a_problem_goes_by_its_status(
    calls: ServiceClient, script: Script, body: bytes
) -> None:
    script.answers = [web.Response(status=404, body=body)]
    with pytest.raises(NotFound):
        await calls.get("/x", Thing)


async def test_patch_and_delete(calls: ServiceClient, script: Script) -> None:
    await calls.patch("/x", Thing, NewThing(name=1), if_match='"v1"')
    await calls.delete("/x")
    seen: list[Any] = [(r.method, r.headers.get("If-Match")) for r in script.asked]
    assert seen == [("PATCH", '"v1"'), ("DELETE", None)]
