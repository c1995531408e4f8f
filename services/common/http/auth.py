"""Who calls: bearer tokens (HS256, RS256, ES256) and the roles a route lets in."""

import logging
import warnings
from collections.abc import Callable, Collection
from time import time
from typing import Any

import jwt

from services.common.config import JwtSettings
from services.common.context import Principal
from services.common.errors import Forbidden, Unauthorized
from services.common.http.keys import ALGORITHMS, FRESH_S, KeySet
from services.common.types import Role

log = logging.getLogger(__name__)
_REMEMBERED = 4096
_KEY_ASKED = 32
_LONGEST_SUBJECT = 255
# said once at the start by our own log, not once a token
warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)
# what PyJWT lets through from claims and headers that no issuer writes
_GARBAGE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class Authenticator:
    """Checks signature, `exp`, `nbf`, and where settings name them `aud` and `iss`.

    The key decides the algorithm: HS256 by JWT_SECRET, RS256 and ES256 by the key set at
    JWT_JWKS_URL; a token that asks for anything else is refused. A token found good is remembered
    (one by key set for five minutes): the check costs more than most requests.
    """

    def __init__(
        self, settings: JwtSettings, saw: Callable[[Principal], None] = lambda _: None
    ) -> None:
        """`saw` is told of the caller each time a token is checked anew."""
        self._good: dict[str, tuple[Principal, float]] = {}
        self._disabled: frozenset[str] = frozenset()
        self._saw = saw
        self._audience, self._issuer = settings.jwt_audience, settings.jwt_issuer
        self._secret: jwt.PyJWK | None = None
        self._keys: KeySet | None = None
        if settings.jwt_secret:
            self._secret = _secret_key(settings.jwt_secret.get_secret_value())
        if settings.jwt_jwks_url:
            self._keys = KeySet(settings.jwt_jwks_url, self._good.clear)

    def remembered(self, authorization: str) -> Principal | None:
        """The caller of a header that was found good before; costs a look into a dictionary."""
        known = self._good.get(authorization)
        return known[0] if known and known[1] > time() else None

    async def authenticate(self, authorization: str) -> Principal:
        """The caller of an Authorization header. Raises Unauthorized, Unavailable without keys."""
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        if not token.isascii():
            raise Unauthorized("The token is not valid here")
        key = await self._key(token)
        principal, expires = self._read(self._claims(token, key))
        if principal.sub in self._disabled:
            raise Unauthorized("This user is disabled")
        self._good.pop(authorization, None)
        if len(self._good) >= _REMEMBERED:
            del self._good[next(iter(self._good))]
        until = expires if key is self._secret else min(expires, time() + FRESH_S)
        self._good[authorization] = principal, until
        self._saw(principal)
        return principal

    def disable(self, subjects: frozenset[str]) -> None:
        """Refuse these subjects from now on, and no others."""
        if subjects - self._disabled:
            for header, (principal, _) in list(self._good.items()):
                if principal.sub in subjects:
                    del self._good[header]
        self._disabled = subjects

    async def _key(self, token: str) -> jwt.PyJWK:
        try:
            header = jwt.get_unverified_header(token)
        except _GARBAGE as exc:
            raise Unauthorized("The token is not valid here") from exc
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm == "HS256" and self._secret:
            return self._secret
        if algorithm in ALGORITHMS and self._keys:
            return await self._keys.find(kid, algorithm)
        raise Unauthorized("The token is signed in a way that is not taken here")

    def _claims(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                options={
                    "require": ["exp", "sub"],
                    "verify_aud": self._audience is not None,
                    # a clock a second ahead of ours is no forgery
                    "verify_iat": False,
                },
            )
        except jwt.ExpiredSignatureError as exc:
            raise Unauthorized("The token has expired: get a new one") from exc
        except jwt.ImmatureSignatureError as exc:
            raise Unauthorized("The token is not valid yet") from exc
        except _GARBAGE as exc:
            raise Unauthorized("The token is not valid here") from exc

    def _read(self, claims: dict[str, Any]) -> tuple[Principal, float]:
        role, subject = claims.get("role"), claims["sub"]
        # PostgreSQL and headers hold neither NUL nor half a character
        odd = not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable()
        if role not in tuple(Role) or odd:
            raise Unauthorized("The token needs a subject and a role this service knows")
        return Principal(subject, Role(role)), float(claims["exp"])


def _secret_key(secret: str) -> jwt.PyJWK:
    encoded = secret.encode()
    if len(encoded) < _KEY_ASKED:
        log.warning("JWT_SECRET is shorter than %d bytes: RFC 7518, 3.2", _KEY_ASKED)
    k = jwt.utils.base64url_encode(encoded).decode()
    return jwt.PyJWK({"kty": "oct", "k": k}, "HS256")


def authorize(principal: Principal, roles: Collection[Role]) -> None:
    """Raise Forbidden where the caller's role is not among `roles`."""
    if principal.role not in roles:
        allowed = ", ".join(sorted(roles))
        raise Forbidden(f"Role {principal.role} may not do this; it takes one of: {allowed}")
