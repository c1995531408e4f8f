"""The jobs service answers as its document says, whatever it is asked."""

from pathlib import Path

import pytest

from tests.integration.contract.contract import SHARE, Contract, Service

SEED = (Path(__file__).with_name("jobs.sql"),)
CONTRACT = Contract(
    "jobs",
    known={
        "/quarantine/": list(range(1, 41)),
        "/users/": ["ann", "bob", "zoe+é@example.com", "a b/c"],
        "/api/jobs/{id}": list(range(1, 9)),
        "subject": ["ann", "job:1"],
        "entity_id": ["1"],
    },
    rules=(
        "until must not be before since",
        "filter needs at least one field",
        "priority goes with prioritise",
        "Say whose filings they are",
        "Must be (FL|CA) or left out",
        "is no file of (Florida's download|California's master unload)",
        "cannot be read as IACA XML",
        "file is empty|The body is empty",
        "Every part of the form must be a file",
    ),
)


@pytest.mark.parametrize("operation", CONTRACT.operations())
def test_every_answer_is_in_the_document(service: Service, operation: str) -> None:
    service.try_out(operation)


def test_so_many_cases_were_asked(service: Service) -> None:
    assert service.asked >= SHARE
