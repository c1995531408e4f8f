"""Typed parameters: read by their types, refused by name and place."""

from io import BytesIO
from typing import Any

import pytest

from services.common.types import Role
from tests.unit.common.service import Client, bearer

ID = "00000000-0000-4000-8000-000000000001"


async def refused(client: Client, query: str) -> list[str]:
    response = await client.get(f"/api/things?{query}", headers=bearer())
    assert response.status == 400
    problem = await response.json()
    assert problem["code"] == "validation_failed"
    return [error["pointer"] for error in problem["errors"]]


async def post(client: Client, body: str | bytes | BytesIO, kind: str = "application/json") -> Any:
    headers = bearer(Role.ADMIN) | {"Content-Type": kind}
    return await client.post("/api/things", data=body, headers=headers)


async def test_query_values_get_their_types(client: Client) -> None:
    query = "page=2&ratio=1e2&since=2026-09-01&mine=true&state=NY&state=CA&at=2026-09-01T00:00Z"
    response = await client.get(f"/api/things?{query}", headers=bearer(user="bob"))
    assert await response.json() == {
        "who": "bob",
        "asked": {
            "page": 2,
            "ratio": 100.0,
            "since": "2026-09-01",
            "mine": True,
            "state": ["NY", "CA"],
            "at": "2026-09-01T00:00:00Z",
        },
    }


async def test_one_value_of_a_list_is_a_list(client: Client) -> None:
    response = await client.get("/api/things?state=NY", headers=bearer())
    assert (await response.json())["asked"]["state"] == ["NY"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("page=0", "/query/page"),
        ("page=1.5", "/query/page"),
        ("page=%201", "/query/page"),
        ("page=1_0", "/query/page"),
        ("page=", "/query/page"),
        ("page=999999999999999999999999999999999999", "/query/page"),
        ("ratio=nan", "/query/ratio"),
        ("mine=yes", "/query/mine"),
        ("since=2026-02-30", "/query/since"),
        ("since=0", "/query/since"),
        ("since=2026-02-28T00:00:00", "/query/since"),
        ("at=0.5", "/query/at"),
        ("at=2026-02-28", "/query/at"),
        ("at=2026-02-28T00:00:00", "/query/at"),
        ("state=ZZ", "/query/state/0"),
        ("page=1&page=2", "/query/page"),
        ("pgae=1", "/query/pgae"),
    ],
)
async def test_a_bad_query_is_refused(client: Client, query: str, pointer: str) -> None:
    assert await refused(client, query) == [pointer]


async def test_a_refusal_says_how_a_date_is_written(client: Client) -> None:
    response = await client.get("/api/things?since=0", headers=bearer())
    (error,) = (await response.json())["errors"]
    assert error["detail"] == "must be a date, for instance 2026-09-01"


async def test_all_that_is_wrong_is_told_at_once(client: Client) -> None:
    assert await refused(client, "page=x&mine=y&zip=1") == [
        "/query/page",
        "/query/mine",
        "/query/zip",
    ]


async def test_a_bad_path_is_refused(client: Client) -> None:
    response = await client.get("/api/things/seven", headers=bearer())
    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "/path/id"


async def test_a_body_is_read_strictly(client: Client) -> None:
    response = await post(client, '{"name": "a", "sizes": [1, "2"], "colour": "red"}')
    assert response.status == 400
    pointers = [error["pointer"] for error in (await response.json())["errors"]]
    assert pointers == ["/body/sizes/1", "/body/colour"]


async def test_a_whole_number_may_end_in_point_zero(client: Client) -> None:
    response = await post(client, '{"name": "a", "sizes": [1.0, 2]}')
    assert (await response.json())["asked"]["sizes"] == [1, 2]
    assert (await post(client, '{"name": "a", "sizes": [1.5]}')).status == 400


async def test_a_good_body_is_taken(client: Client) -> None:
    response = await post(client, '{"name": "a", "sizes": [1]}')
    assert response.status == 201
    assert (await response.json())["asked"] == {"name": "a", "sizes": [1]}


@pytest.mark.parametrize("body", ['{"name":', "[", '{"name": "\\ud800"}', b'{"name": "\xff"}'])
async def test_malformed_json_is_a_bad_request(client: Client, body: str | bytes) -> None:
    response = await post(client, body)
    assert response.status == 400
    assert (await response.json())["code"] == "bad_request"


@pytest.mark.parametrize("body", ["null", "[]", "3"])
async def test_json_that_is_no_object_is_not_valid(client: Client, body: str) -> None:
    response = await post(client, body)
    assert response.status == 400
    assert (await response.json())["errors"][0]["pointer"] == "/body"


async def test_a_form_is_not_json(client: Client) -> None:
    response = await post(client, "name=a", "application/x-www-form-urlencoded")
    assert response.status == 415
    assert "application/json" in (await response.json())["detail"]


async def test_a_body_that_is_not_encoded_as_it_says_is_a_bad_request(client: Client) -> None:
    headers = bearer(Role.ADMIN) | {"Content-Type": "application/json"}
    headers |= {"Content-Encoding": "gzip"}
    response = await client.post("/api/things", data=b"{}", headers=headers)
    assert response.status == 400
    assert (await response.json())["code"] == "bad_request"


async def test_no_body_is_an_empty_object(client: Client) -> None:
    response = await client.post("/api/things/sweep", headers=bearer())
    assert response.status == 202
    assert (await response.json())["asked"] is False


async def test_nul_is_refused_before_it_reaches_the_database(client: Client) -> None:
    response = await post(client, '{"name": "a\\u0000b"}')
    assert response.status == 400
    assert "NUL" in (await response.json())["detail"]


async def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    response = await post(client, BytesIO(b"x" * (10 * 1024 * 1024 + 1)))
    assert response.status == 413
    assert (await response.json())["code"] == "payload_too_large"


async def test_bytes_go_out_as_they_are(client: Client) -> None:
    response = await client.get("/api/things/ready-made")
    assert response.content_type == "application/json"
    assert await response.read() == b'{"who":"bytes","asked":null}'


async def test_none_is_no_content(client: Client) -> None:
    response = await client.delete(f"/api/things/{ID}", headers=bearer())
    assert response.status == 204
    assert await response.read() == b""
