"""Addresses of users, for admins: who there is, and who is let in."""

from aiohttp import web

from services.common.context import Principal
from services.common.errors import Conflict, NotFound
from services.common.http.guard import GUARD
from services.common.http.routes import DB, Routes
from services.common.types import Role
from services.jobs import users
from services.jobs.users import User, UserList, UserPath, UsersQuery

routes = Routes("/api/jobs/users", tag="users")
ADMINS = frozenset({Role.ADMIN})


@routes.get("", roles=ADMINS)
async def list_users(request: web.Request, query: UsersQuery) -> UserList:
    """Users by subject: everyone whose token was ever seen. A page beyond the last is empty."""
    return await users.page(request.app[DB], query)


@routes.post("/{subject}/disable", roles=ADMINS, errors=(NotFound, Conflict))
async def disable_user(request: web.Request, principal: Principal, path: UserPath) -> User:
    """Refuse a user's tokens, in every service within two seconds; again is no error."""
    user = await users.set_disabled(request.app[DB], principal, path.subject, disabled=True)
    request.app[GUARD].users.look()
    return user


@routes.post("/{subject}/enable", roles=ADMINS, errors=(NotFound,))
async def enable_user(request: web.Request, principal: Principal, path: UserPath) -> User:
    """Let a disabled user in again; again is no error."""
    user = await users.set_disabled(request.app[DB], principal, path.subject, disabled=False)
    request.app[GUARD].users.look()
    return user
