"""Who may call: a signed token that has not expired, with a role the route lets in."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.common.http.token import DEFAULT_USERS, main, make
from services.common.types import Role
from tests.unit.common.service import SECRET, Client, application, bearer, settings

SOON = datetime.now(UTC) + timedelta(hours=5)
GOOD = {"sub": "ann", "role": "viewer", "exp": SOON}


def signed(claims: dict[str, Any], key: str = SECRET, algorithm: str = "HS256") -> dict[str, str]:
    return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm)}"}


async def test_without_a_token_the_challenge_has_no_error(client: Client) -> None:
    response = await client.get("/api/things")
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="ucc-intel"'


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer é.é.é"},
        {"Authorization": "Basic YTpi"},
        signed(GOOD, "z" * 32),
        signed(GOOD | {"exp": datetime.now(UTC) - timedelta(seconds=1)}),
        signed({k: v for k, v in GOOD.items() if k != "exp"}),
        signed({k: v for k, v in GOOD.items() if k != "sub"}),
        signed(GOOD | {"sub": ""}),
        signed({k: v for k, v in GOOD.items() if k != "role"}),
        signed(GOOD | {"role": "emperor"}),
        signed(GOOD | {"role": ["admin"]}),
        signed(GOOD | {"nbf": SOON}),
        signed(GOOD, "k" * 64, "HS512"),
        {"Authorization": f"Bearer {jwt.encode(GOOD, '', 'none')}"},
    ],
)
async def test_a_bad_token_is_refused(client: Client, headers: dict[str, str]) -> None:
    response = await client.get("/api/things", headers=headers)
    assert response.status == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert (await response.json())["code"] == "unauthorized"


async def test_an_expired_token_is_called_expired(client: Client) -> None:
    old = signed(GOOD | {"exp": datetime.now(UTC) - timedelta(days=1)})
    response = await client.get("/api/things", headers=old)
    assert "expired" in (await response.json())["detail"]


async def test_a_good_token_is_let_in(client: Client) -> None:
    response = await client.get("/api/things", headers=signed(GOOD))
    assert (await response.json())["who"] == "ann"


async def test_a_token_that_was_good_is_refused_once_it_expires(client: Client) -> None:
    brief = signed(GOOD | {"exp": datetime.now(UTC) + timedelta(seconds=3)})
    assert (await client.get("/api/things", headers=brief)).status == 200
    await asyncio.sleep(3)
    response = await client.get("/api/things", headers=brief)
    assert response.status == 401
    assert "expired" in (await response.json())["detail"]


async def test_the_scheme_is_read_in_any_case(client: Client) -> None:
    headers = {"Authorization": signed(GOOD)["Authorization"].replace("Bearer", "bearer")}
    assert (await client.get("/api/things", headers=headers)).status == 200


async def test_a_role_too_low_is_forbidden(client: Client) -> None:
    response = await client.post("/api/things", json={}, headers=bearer(Role.VIEWER))
    assert response.status == 403
    assert "admin, analyst" in (await response.json())["detail"]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "ucc", "iss": "login"}, 200),
        ({"aud": ["other", "ucc"], "iss": "login"}, 200),
        ({"aud": "other", "iss": "login"}, 401),
        ({"aud": "ucc", "iss": "other"}, 401),
        ({}, 401),
    ],
)
async def test_audience_and_issuer_count_where_they_are_set(
    claims: dict[str, Any], status: int
) -> None:
    app = application(jwt_audience="ucc", jwt_issuer="login")
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/api/things", headers=signed(GOOD | claims))
        assert response.status == status


async def test_an_audience_nobody_asked_for_is_not_checked(client: Client) -> None:
    response = await client.get("/api/things", headers=signed(GOOD | {"aud": "other"}))
    assert response.status == 200


def test_each_role_has_its_own_default_user() -> None:
    assert len(set(DEFAULT_USERS.values())) == len(Role)


def test_a_made_token_lives_seven_days_and_fits_the_settings() -> None:
    chosen = settings(jwt_audience="ucc", jwt_issuer="login")
    claims = jwt.decode(make(chosen, Role.ADMIN), SECRET, ["HS256"], audience="ucc", issuer="login")
    assert claims["sub"] == DEFAULT_USERS[Role.ADMIN]
    assert claims["role"] == "admin"
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


def test_the_command_prints_the_token_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    main(["--role", "service", "--user-id", "bot"])
    claims = jwt.decode(capsys.readouterr().out.strip(), SECRET, ["HS256"])
    assert (claims["sub"], claims["role"]) == ("bot", "service")


def test_a_role_there_is_not_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--role", "emperor"])
    assert exited.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert all(role in last for role in (*Role, "emperor"))
