"""The audit trail: who changed what, when, on which request, with the row before and after.

Stores call `record` in the transaction of the change, so that neither exists without the other.
Admins read the trail at GET /api/jobs/audit.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from services.common import context
from services.common.db import Executor
from services.common.sql import load

Q = load(Path(__file__).with_name("audit.sql"))
SYSTEM = "system"
"""Subject of a change that no user and no job made."""

Values = dict[str, Any] | None


async def record(
    tx: Executor, action: str, entity: str, entity_id: str, before: Values, after: Values
) -> None:
    """Note a change of `entity` (a table in the singular, like `prospect`) in its transaction.

    `action` is a verb like `claim`; `before` is None for what is new, `after` for what is gone.
    The subject is the caller, or job:<id>.
    """
    await record_many(tx, action, entity, [(entity_id, before, after)])


async def record_many(
    tx: Executor, action: str, entity: str, changes: Iterable[tuple[str, Values, Values]]
) -> None:
    """`record` for many entities at once: (entity_id, before, after) each."""
    rows = []
    for entity_id, before, after in changes:
        subject, verb, *values = entry(action, before, after)
        rows.append((subject, verb, entity, entity_id, *values))
    await tx.executemany(Q["audit_add"], rows)


def entry(
    action: str, before: Values, after: Values
) -> tuple[str, str, Values, Values, str | None]:
    """Subject, action, before, after and request id, for a statement that notes its own change."""
    subject = context.author() or SYSTEM
    return subject, action, _plain(before), _plain(after), context.request_id.get()


def _plain(values: Values) -> Values:
    plain: Values = to_jsonable_python(values, fallback=str)
    return plain
