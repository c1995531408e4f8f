"""What passes with time becomes Unavailable; a mistake in a statement stays what it is."""

import asyncpg
import pytest

from services.common.db import Database
from services.common.db_errors import translated
from services.common.errors import Unavailable
from services.common.sql import Query


def postgres_error(state: str) -> Exception:
    error: Exception = asyncpg.PostgresError.new({"C": state, "M": "as the server says"})
    return error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        *map(postgres_error, ("08P01", "08006", "53300", "57P01", "57P03", "57014", "40P01")),
    ],
)
def test_what_passes_is_unavailable_and_says_when_to_return(error: Exception) -> None:
    with pytest.raises(Unavailable) as raised, translated():
        raise error
    assert raised.value.retry_after
    assert raised.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        postgres_error("23505"),
        postgres_error("42601"),
        asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed"),
    ],
)
def test_a_mistake_goes_through(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, translated():
        raise error
    assert raised.value is error


async def test_a_server_that_is_not_there_is_unavailable_at_once() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await Database.connect("postgresql://u@127.0.0.1:1/d")


async def test_without_a_minimum_nothing_is_opened_before_the_first_call() -> None:
    database = await Database.connect("postgresql://u@127.0.0.1:1/d", min_size=0)
    with pytest.raises(Unavailable):
        await database.fetchval(Query("one", "SELECT 1"))
    await database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.fetchval(Query("one", "SELECT 1"))
