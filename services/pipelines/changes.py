"""What the pipelines that follow change topics share: ids from messages, batches, sweeps.

A change message is a hint. What a lost or skipped one leaves behind is found by a sweep over
the revisions in prospect_work.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any
from uuid import UUID

from services.common.errors import AppError, BadRequest

log = logging.getLogger(__name__)
MESSAGE_SIZE = 200
"""Most prospect ids in one change message."""
MESSAGES_AT_ONCE = 20
"""Change messages a worker takes at once."""


def prospect_ids(received: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """The distinct ids under "prospect_ids", in id order. Raises BadRequest for anything else."""
    try:
        return sorted({UUID(each) for message in received for each in message["prospect_ids"]})
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadRequest('"prospect_ids" must be a list of prospect ids (UUIDs).') from None


def messages(ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Change messages that name `ids`, in id order."""
    parts = in_batches(sorted(ids), MESSAGE_SIZE)
    return [{"prospect_ids": [str(each) for each in some]} for some in parts]


def in_batches(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    """`ids` in slices of at most `size`."""
    return (ids[start : start + size] for start in range(0, len(ids), size))


def keep_sweeping(
    stack: AsyncExitStack, every_s: float, sweep: Callable[[], Awaitable[bool]]
) -> None:
    """Call `sweep` each `every_s` seconds, at once again while it says there is more.

    Ends with `stack`. A failed sweep is logged and tried again.
    """
    task = asyncio.create_task(_sweep(every_s, sweep), name="sweep")

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


async def _sweep(every_s: float, sweep: Callable[[], Awaitable[bool]]) -> None:
    more = False
    while True:
        await asyncio.sleep(0 if more else every_s)
        try:
            more = await sweep()
        except AppError as exc:
            log.warning("a sweep failed: %s", exc)
            more = False
        except Exception:
            log.exception("a sweep failed")
            more = False
