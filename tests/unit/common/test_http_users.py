"""The follower of the users table while the process ends."""

import asyncio
from typing import Any, cast

from services.common.db import Database
from services.common.errors import Unavailable
from services.common.http.users import Users


class Away:
    """A database that does not answer."""

    async def fetch(self, *_: Any) -> list[Any]:
        """Raises Unavailable."""
        raise Unavailable("The database does not answer")


async def test_a_process_ends_though_a_user_is_changed_just_then() -> None:
    users, opened = Users(60), asyncio.Event()

    async def serve() -> None:
        async with users.open(cast(Database, Away()), lambda _: None):
            opened.set()
            await asyncio.sleep(0.01)
            users.look()

    task = asyncio.create_task(serve())
    await opened.wait()
    done, _ = await asyncio.wait({task}, timeout=2)
    task.cancel()
    assert done == {task}
