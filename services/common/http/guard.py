"""Before every handler: who calls, from where, and whether the caller's limit lets it through."""

from collections.abc import AsyncIterator

from aiohttp import hdrs, web

from services.common import context
from services.common.config import ApiSettings
from services.common.context import Principal
from services.common.db import Database
from services.common.errors import Unauthorized
from services.common.http import limits
from services.common.http.addresses import Addresses, counted
from services.common.http.auth import Authenticator
from services.common.http.limits import Verdict
from services.common.http.users import Users

REFUSAL: web.RequestKey[Unauthorized] = web.RequestKey("refusal", Unauthorized)
VERDICT: web.RequestKey[Verdict] = web.RequestKey("verdict", Verdict)
OPEN = ("/health", "/api/health", "/metrics", "/openapi.json", "/docs", "/errors/")
"""What every process serves to everyone: no token is read there and no request is counted."""


class Guard:
    """Authentication, users and limits of one application."""

    def __init__(self, settings: ApiSettings) -> None:
        self.users = Users(settings.users_poll_s)
        self.auth = Authenticator(settings, self.users.saw)
        self.addresses = Addresses(settings.trusted_proxies)
        self.limiter = limits.build(settings, settings.redis_url)

    async def admit(self, request: web.Request) -> None:
        """Set the principal and take one request of its limit. Raises RateLimited.

        A token that is no good is kept for the route to refuse: an open one does not mind.
        """
        if request.path.startswith(OPEN):
            return
        principal = None
        header = request.headers.get(hdrs.AUTHORIZATION)
        if header is not None:
            principal = self.auth.remembered(header) or await self._check(request, header)
            context.principal.set(principal)
            context.authorization.set(header if principal else None)
        if self.limiter is None:
            return
        address = "" if principal else counted(self.addresses.client(request))
        verdict = await self.limiter.admit(principal, address)
        if verdict is not None:
            request[VERDICT] = verdict
            if verdict.refusal:
                raise verdict.refusal

    async def _check(self, request: web.Request, header: str) -> Principal | None:
        try:
            return await self.auth.authenticate(header)
        except Unauthorized as exc:
            request[REFUSAL] = exc
            return None

    async def open(self, db: Database) -> AsyncIterator[None]:
        """What runs beside the requests: users followed and written, limits given back."""
        async with self.users.open(db, self.auth.disable):
            if self.limiter is None:
                yield
            else:
                async with self.limiter.open():
                    yield


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


def caller(request: web.Request) -> Principal:
    """Who calls. Raises Unauthorized where no good token came with the request."""
    principal = context.principal.get()
    if principal is None:
        raise request.get(REFUSAL) or Unauthorized()
    return principal
