"""A route that cannot work is refused when its module is imported."""

import pytest
from pydantic import BaseModel, ConfigDict

from services.common.context import Principal
from services.common.http import openapi
from services.common.http.routes import Handler, Routes


class Loose(BaseModel):
    a: int = 0


class Tight(BaseModel):
    model_config = ConfigDict(extra="forbid")

    a: int = 0


async def loose_query(query: Loose) -> None: ...


async def loose_body(body: Loose) -> None: ...


async def no_model(query: dict[str, str]) -> None: ...


async def unknown(thing: int) -> None: ...


async def other_path(path: Tight) -> None: ...


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (loose_query, "Loose must refuse unknown fields"),
        (loose_body, "Loose must refuse unknown fields"),
        (no_model, "query must be a pydantic model"),
        (unknown, "parameters nobody fills: thing"),
        (other_path, r"must be a model of exactly the fields \['id'\]"),
    ],
)
def test_a_route_that_cannot_work_is_refused(handler: Handler, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        Routes("/x").get("/{id}")(handler)


def test_an_open_route_has_no_caller() -> None:
    async def who(principal: Principal) -> None: ...

    with pytest.raises(TypeError, match="no principal"):
        Routes("/x").get("", roles=None)(who)


def test_two_operations_of_one_name_are_refused() -> None:
    routes = Routes("/x")
    routes.get("/a")(lambda_like)
    routes.get("/b")(lambda_like)
    with pytest.raises(ValueError, match="two operations"):
        openapi.build("t", routes)


async def lambda_like() -> None:
    """Nothing."""
