"""Users as admins see them: shapes and rows.

A row is made when a token of the subject is first seen; disabling it has every process refuse
the subject's tokens within two seconds, whatever their expiry.
"""

from datetime import datetime
from pathlib import Path

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from services.common import audit
from services.common.context import Principal
from services.common.db import Database, Executor
from services.common.errors import Conflict, NotFound
from services.common.paging import Pagination
from services.common.sql import load
from services.common.types import Role

Q = load(Path(__file__).with_name("users.sql"))


class UsersQuery(BaseModel):
    """Query of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role | None = None
    disabled: bool | None = Field(default=None, description="Only those that are, or are not")
    page: int = Field(default=1, ge=1, le=1_000_000_000, description="Page, from 1")
    limit: int = Field(default=20, ge=1, le=100, description="Users a page")


class UserPath(BaseModel):
    """Path of one user."""

    subject: str = Field(min_length=1, max_length=255, description="The `sub` of its tokens")


class User(BaseModel):
    """A caller of the API."""

    subject: str = Field(description="The `sub` of its tokens")
    role: Role = Field(description="As the last token that was seen said")
    email: str | None
    display_name: str | None
    disabled_at: datetime | None = Field(description="Since when its tokens are refused")
    last_seen_at: datetime | None = Field(
        description="When a process last met it for the first time"
    )
    created_at: datetime


class UserList(BaseModel):
    """A page of users by subject."""

    users: list[User]
    pagination: Pagination


async def page(db: Database, query: UsersQuery) -> UserList:
    """Users that match, by subject."""
    filters = query.role, query.disabled
    total = await db.fetchval(Q["users_count"], *filters)
    rows = await db.fetch(Q["users_page"], *filters, query.limit, (query.page - 1) * query.limit)
    return UserList(
        users=[User.model_validate(dict(row)) for row in rows],
        pagination=Pagination.of(query.page, query.limit, total),
    )


async def set_disabled(db: Database, principal: Principal, subject: str, disabled: bool) -> User:
    """Disable a user or let it in again; as it is already, nothing is written.

    Raises NotFound, and Conflict for admins who would lock themselves out.
    """
    if disabled and subject == principal.sub:
        raise Conflict("You cannot disable yourself: ask another admin")
    async with db.transaction() as tx:
        before = _user(await tx.fetchrow(Q["user_lock"], subject), subject)
        if (before.disabled_at is not None) == disabled:
            return before
        return await _change(tx, before, disabled)


async def _change(tx: Executor, before: User, disabled: bool) -> User:
    row = await tx.fetchrow(Q["user_set_disabled"], before.subject, disabled)
    after = _user(row, before.subject)
    action = "disable" if disabled else "enable"
    seen = [{"disabled_at": user.disabled_at} for user in (before, after)]
    await audit.record(tx, action, "user", before.subject, *seen)
    return after


def _user(row: asyncpg.Record | None, subject: str) -> User:
    if row is None:
        raise NotFound(f"There is no user {subject}: no token of it was seen yet")
    return User.model_validate(dict(row))
