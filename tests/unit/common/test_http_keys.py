"""Tokens by key set: RS256 and ES256, rotation, and every forgery refused with its challenge."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.common.http.guard import GUARD
from services.common.http.keys import KeySet
from tests.unit.common.service import SECRET, Client, application

SOON = datetime.now(UTC) + timedelta(hours=5)
GOOD = {"sub": "ann", "role": "viewer", "exp": SOON}
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_NEXT = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def jwk(key: Key, kid: str | None, **changes: Any) -> dict[str, Any]:
    algorithm: Any = (
        jwt.algorithms.RSAAlgorithm
        if isinstance(key, rsa.RSAPrivateKey)
        else jwt.algorithms.ECAlgorithm
    )
    public = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {k: v for k, v in {**public, "kid": kid, **changes}.items() if v is not None}


def pem(key: Key) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def signed(key: Any, algorithm: str, kid: str | None, **claims: Any) -> dict[str, str]:
    headers = {"kid": kid} if kid else {}
    token = jwt.encode({**GOOD, **claims}, key, algorithm, headers=headers)
    return {"Authorization": f"Bearer {token}"}


class Issuer:
    """Serves a key set that a test may change."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = [jwk(RSA, "r1"), jwk(EC, "e1", use="sig", alg="ES256")]
        self.status = 200
        self.asked = 0
        app = web.Application()
        app.router.add_get("/jwks", self._answer)
        self.server = TestServer(app)

    async def _answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"keys": self.keys}, status=self.status)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/jwks"))


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    made = Issuer()
    async with made.server:
        yield made


@pytest.fixture
async def things(issuer: Issuer) -> AsyncIterator[Client]:
    """A service that takes tokens of the issuer only."""
    async with TestClient(TestServer(application(jwt_secret=None, jwt_jwks_url=issuer.url))) as it:
        yield it


async def asked(client: Client, headers: dict[str, str]) -> int:
    return (await client.get("/api/things", headers=headers)).status


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA, "RS256", "r1"), (EC, "ES256", "e1"), (RSA, "RS256", None), (EC, "ES256", None)],
)
async def test_tokens_of_the_set_are_taken(
    things: Client, key: Any, algorithm: str, kid: str | None
) -> None:
    response = await things.get("/api/things", headers=signed(key, algorithm, kid))
    assert (await response.json())["who"] == "ann"


async def test_both_sorts_of_token_are_taken_where_both_are_set(issuer: Issuer) -> None:
    async with TestClient(TestServer(application(jwt_jwks_url=issuer.url))) as client:
        assert await asked(client, signed(RSA, "RS256", "r1")) == 200
        assert await asked(client, signed(SECRET, "HS256", None)) == 200


def raw(header: dict[str, Any], claims: str, signature: bytes = b"x") -> dict[str, str]:
    parts = [json.dumps(header).encode(), claims.encode(), signature]
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    return {"Authorization": f"Bearer {token}"}


def hmac_signed_by_public_key() -> dict[str, str]:
    """The classic confusion: HS256 with the public key as the secret."""
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    head = raw({"alg": "HS256", "kid": "r1"}, json.dumps({**GOOD, "exp": int(SOON.timestamp())}))
    signing = head["Authorization"][7:].rpartition(".")[0]
    signature = algorithm.sign(signing.encode(), pem(RSA))
    text = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return {"Authorization": f"Bearer {signing}.{text}"}


PAST, FUTURE = SOON - timedelta(hours=6), SOON + timedelta(hours=1)
FORGED = {
    "signed by another key": signed(RSA_NEXT, "RS256", "r1"),
    "of an unknown key": signed(RSA_NEXT, "RS256", "r9"),
    "another algorithm of the key": signed(RSA, "RS512", "r1"),
    "RS256 by the EC key's id": signed(RSA, "RS256", "e1"),
    "HS256 by the public key": hmac_signed_by_public_key(),
    "HS256 without a secret here": signed("k" * 32, "HS256", None),
    "alg none": raw({"alg": "none"}, json.dumps({**GOOD, "exp": 9e9}), b""),
    "alg missing": raw({"kid": "r1"}, "{}"),
    "alg a list": raw({"alg": ["RS256"]}, "{}"),
    "kid a number": raw({"alg": "RS256", "kid": 7}, "{}"),
    "kid a list": raw({"alg": "RS256", "kid": ["r1"]}, "{}"),
    "expired": signed(RSA, "RS256", "r1", exp=PAST),
    "not valid yet": signed(RSA, "RS256", "r1", nbf=FUTURE),
    "without exp": signed(RSA, "RS256", "r1", exp=None),
    "exp beyond any number": signed(RSA, "RS256", "r1", exp=float("inf")),
    "exp a word": signed(RSA, "RS256", "r1", exp="tomorrow"),
    "sub a number": signed(RSA, "RS256", "r1", sub=7),
    "sub with a NUL": signed(RSA, "RS256", "r1", sub="a\0b"),
    "sub half a character": signed(RSA, "RS256", "r1", sub="\ud800"),
    "sub without end": signed(RSA, "RS256", "r1", sub="a" * 256),
    "nested without end": raw({"alg": "RS256", "kid": "r1"}, "[" * 3000),
    "header nested without end": {
        "Authorization": f"Bearer {base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.x"
    },
    "garbage": {"Authorization": "Bearer a.b.c"},
    "two words": {"Authorization": "Bearer a b"},
    "no token": {"Authorization": "Bearer "},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_is_refused_with_a_challenge(
    things: Client, headers: dict[str, str]
) -> None:
    response = await things.get("/api/things", headers=headers)
    assert response.status == 401
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="ucc-intel", error="invalid_token", error_descr')
    assert (await response.json())["detail"] in challenge


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "ucc", "iss": "login"}, 200),
        ({"aud": "other", "iss": "login"}, 401),
        ({"aud": "ucc", "iss": "other"}, 401),
        ({"aud": 5, "iss": "login"}, 401),
    ],
)
async def test_audience_and_issuer_count(issuer: Issuer, claims: Any, status: int) -> None:
    app = application(jwt_jwks_url=issuer.url, jwt_audience="ucc", jwt_issuer="login")
    async with TestClient(TestServer(app)) as client:
        assert await asked(client, signed(RSA, "RS256", "r1", **claims)) == status


async def test_keys_are_fetched_once_for_many_requests(things: Client, issuer: Issuer) -> None:
    many = [signed(RSA, "RS256", "r1", sub=f"u{n}") for n in range(20)]
    statuses = await asyncio.gather(*(asked(things, headers) for headers in many))
    assert set(statuses) == {200}
    assert issuer.asked == 1


async def test_unknown_keys_do_not_make_us_ask_without_end(things: Client, issuer: Issuer) -> None:
    for n in range(20):
        assert await asked(things, signed(RSA_NEXT, "RS256", f"forged-{n}")) == 401
    assert issuer.asked == 1


async def test_a_new_key_is_found_and_a_removed_one_forgotten(issuer: Issuer) -> None:
    app = application(jwt_secret=None, jwt_jwks_url=issuer.url)
    auth = app[GUARD].auth
    auth._keys = KeySet(issuer.url, auth._good.clear, again_s=0.05)
    async with TestClient(TestServer(app)) as client:
        old, new = signed(RSA, "RS256", "r1"), signed(RSA_NEXT, "RS256", "r2")
        assert await asked(client, old) == 200
        issuer.keys = [jwk(RSA, "r1"), jwk(RSA_NEXT, "r2")]
        await asyncio.sleep(0.06)
        assert [await asked(client, new), await asked(client, old)] == [200, 200]
        issuer.keys = [jwk(RSA_NEXT, "r2")]
        await asyncio.sleep(0.06)
        assert await asked(client, signed(EC, "ES256", "e9")) == 401
        assert [await asked(client, new), await asked(client, old)] == [200, 401]


async def test_known_keys_count_while_the_issuer_is_away(issuer: Issuer) -> None:
    app = application(jwt_secret=None, jwt_jwks_url=issuer.url)
    auth = app[GUARD].auth
    auth._keys = KeySet(issuer.url, auth._good.clear, again_s=0.05)
    async with TestClient(TestServer(app)) as client:
        assert await asked(client, signed(RSA, "RS256", "r1")) == 200
        issuer.status = 500
        await asyncio.sleep(0.06)
        assert await asked(client, signed(RSA_NEXT, "RS256", "r2")) == 503
        assert await asked(client, signed(RSA, "RS256", "r1", sub="bob")) == 200


async def test_without_any_key_the_answer_is_503_until_there_are_some(issuer: Issuer) -> None:
    issuer.status = 404
    app = application(jwt_secret=None, jwt_jwks_url=issuer.url)
    auth = app[GUARD].auth
    auth._keys = KeySet(issuer.url, auth._good.clear, again_s=0.05)
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/api/things", headers=signed(RSA, "RS256", "r1"))
        assert (response.status, response.headers["Retry-After"]) == (503, "1")
        issuer.status = 200
        await asyncio.sleep(0.06)
        assert await asked(client, signed(RSA, "RS256", "r1")) == 200


@pytest.mark.parametrize(
    "entry",
    [
        jwk(RSA, "r1", use="enc"),
        jwk(RSA, "r1", alg="RS512"),
        jwk(RSA_SHORT, "r1"),
        {"kty": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode(), "kid": "r1"},
        {"kty": "RSA", "kid": "r1", "n": "?", "e": "AQAB"},
        {"kty": ["RSA"], "kid": "r1"},
        "no key",
    ],
)
async def test_a_key_that_is_not_to_be_used_is_left_out(issuer: Issuer, entry: Any) -> None:
    issuer.keys = [entry, jwk(RSA_NEXT, "r2")]
    app = application(jwt_secret=None, jwt_jwks_url=issuer.url)
    async with TestClient(TestServer(app)) as client:
        assert await asked(client, signed(RSA, "RS256", "r1")) == 401
        assert await asked(client, signed(RSA_NEXT, "RS256", "r2")) == 200
