"""What the frame says about idempotent routes, without a database."""

import pytest
from pydantic import BaseModel

from services.common.http import openapi
from services.common.http.routes import Options, Routes


class Made(BaseModel):
    id: int


def test_the_document_has_the_header_and_its_refusals() -> None:
    routes = Routes("/api/made", "made")

    @routes.post("", status=201, idempotent=True)
    async def make_it() -> Made:
        """Make it."""
        return Made(id=1)

    operation = openapi.build("made", routes)["paths"]["/api/made"]["post"]
    (header,) = operation["parameters"]
    assert (header["name"], header["in"], header["required"]) == (
        "Idempotency-Key",
        "header",
        False,
    )
    assert "`idempotency_in_progress`" in operation["responses"]["409"]["description"]
    assert "`idempotency_key_reused`" in operation["responses"]["422"]["description"]


@pytest.mark.parametrize(
    ("method", "options"),
    [("get", Options(idempotent=True)), ("post", Options(idempotent=True, roles=None))],
)
def test_only_a_post_with_a_caller_can_be_idempotent(method: str, options: Options) -> None:
    async def handler() -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="only a POST with a principal"):
        getattr(Routes("/x"), method)("", **options)(handler)
