"""The prospects service answers as its document says, whatever it is asked."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.contract.contract import SHARE, Contract, Service


def _ids(group: int, first: int, last: int) -> list[str]:
    """Ids as the seed makes them."""
    return [str(UUID(f"00000000-0000-4000-800{group}-{i:012d}")) for i in range(first, last + 1)]


SEED = (
    Path(__file__).parents[1] / "prospects" / "seed.sql",
    Path(__file__).with_name("prospects.sql"),
)
CONTRACT = Contract(
    "prospects",
    known={
        "DELETE ": _ids(0, 41, 60),
        "/exports/": _ids(1, 1, 4),
        "/api/prospects/{id}": _ids(0, 1, 40),
        "prospect_ids": _ids(0, 1, 40),
        "If-Match": ["*", '"v1"', '"v2", "v3"'],
        "If-None-Match": ["*", '"v1"'],
    },
    rules=(
        "was kept until",
        "min_score .* is greater than max_score",
        "must not be null",
        "must not be given together with company_name",
    ),
    alone=("page", "cursor"),
)


@pytest.mark.parametrize("operation", CONTRACT.operations())
def test_every_answer_is_in_the_document(service: Service, operation: str) -> None:
    service.try_out(operation)


def test_so_many_cases_were_asked(service: Service) -> None:
    assert service.asked >= SHARE
