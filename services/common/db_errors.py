"""What the database or the way to it cannot do now: errors.Unavailable for what will pass."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from services.common.errors import Unavailable

_BUSY = {
    "40001": "Two transactions collided and this one was rolled back",
    "40P01": "Two transactions waited for each other and this one was rolled back",
    "55P03": "A lock was not free in time",
    "57014": "The database cancelled a query that ran too long",
    "25006": "The database is read-only now",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unavailable for what passes with time; other errors of asyncpg go through."""
    try:
        yield
    except TimeoutError as exc:
        raise Unavailable("The database did not answer in time", retry_after=2) from exc
    except OSError as exc:
        raise Unavailable("The database cannot be reached", retry_after=2) from exc
    except asyncpg.InterfaceError as exc:
        # a held connection that died counts as "released back to the pool" at once
        if not any(sign in str(exc) for sign in ("clos", "released back to the pool")):
            raise
        raise Unavailable("The connection to the database is closed", retry_after=1) from exc
    except asyncpg.PostgresError as exc:
        # PgBouncer reports its own troubles (query_wait_timeout, no server) in class 08
        state = exc.sqlstate or ""
        if state in _BUSY:
            raise Unavailable(_BUSY[state], retry_after=1) from exc
        if state[:2] in ("08", "53") or state[:3] == "57P":
            raise Unavailable("The database takes no work now", retry_after=2) from exc
        raise
