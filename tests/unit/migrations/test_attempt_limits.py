"""The limits of an attempt as PostgreSQL gets them."""

from typing import Any, cast

import pytest

from migrations.attempts import Attempts, Limits


class Connection:
    """Keeps the values it is given."""

    def __init__(self) -> None:
        self.given: tuple[Any, ...] = ()

    async def execute(self, query: str, *values: Any) -> None:
        self.given = values


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "5000ms"), (0.5, "500ms"), (0.0004, "1ms"), (1e-9, "1ms"), (0, "0ms")],
)
async def test_only_zero_is_no_limit(seconds: float, said: str) -> None:
    conn = Connection()
    attempts = Attempts(cast(Any, conn), cast(Any, None), Limits())
    await attempts.set_timeouts(seconds, seconds)
    assert conn.given == (said, said, False)
