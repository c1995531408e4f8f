"""Who calls: HS256 bearer tokens and the roles a route lets in."""

import logging
import warnings
from collections.abc import Collection
from time import time

import jwt
from aiohttp import web

from services.common.config import JwtSettings
from services.common.context import Principal
from services.common.errors import Forbidden, Unauthorized
from services.common.types import Role

log = logging.getLogger(__name__)
_REMEMBERED = 4096
_KEY_ASKED = 32
# said once at the start by our own log, not once a token
warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)


class Authenticator:
    """Checks signature, `exp`, and where settings name them `aud` and `iss`.

    A token found good is remembered until it expires: the check costs more than most requests.
    """

    def __init__(self, settings: JwtSettings) -> None:
        self._good: dict[str, tuple[Principal, float]] = {}
        self._key = settings.jwt_secret.get_secret_value()
        if len(self._key.encode()) < _KEY_ASKED:
            log.warning("JWT_SECRET is shorter than %d bytes: RFC 7518, 3.2", _KEY_ASKED)
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer

    def authenticate(self, request: web.Request) -> Principal:
        """The caller of `request`. Raises Unauthorized."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        if not token.isascii():
            raise Unauthorized("The token is not valid here")
        known = self._good.get(token)
        if known and known[1] > time():
            return known[0]
        principal, expires = self._check(token)
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good[token] = principal, expires
        return principal

    def _check(self, token: str) -> tuple[Principal, float]:
        try:
            claims = jwt.decode(
                token.strip(),
                self._key,
                algorithms=["HS256"],
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
        except jwt.InvalidTokenError as exc:
            raise Unauthorized("The token is not valid here") from exc
        role, subject = claims.get("role"), claims["sub"]
        if role not in tuple(Role) or not subject:
            raise Unauthorized("The token needs a subject and a role this service knows")
        return Principal(subject, Role(role)), claims["exp"]


def authorize(principal: Principal, roles: Collection[Role]) -> None:
    """Raise Forbidden where the caller's role is not among `roles`."""
    if principal.role not in roles:
        allowed = ", ".join(sorted(roles))
        raise Forbidden(f"Role {principal.role} may not do this; it takes one of: {allowed}")
