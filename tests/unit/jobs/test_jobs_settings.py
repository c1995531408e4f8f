"""Settings of the processes of the jobs package."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.common.kafka.settings import WorkerSettings
from services.jobs.settings import RelaySettings, SchedulerSettings

URL = {"database_url": "postgresql://u@h/d"}


def scheduler(sources: str) -> SchedulerSettings:
    return SchedulerSettings.model_validate(URL | {"ingest_sources": sources})


def test_no_register_is_read_daily_unless_named() -> None:
    assert scheduler("").sources == []
    assert scheduler(" co, ct ,").sources == ["co", "ct"]


def test_a_register_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="tx is none of co, ct, fl, or, sample"):
        scheduler("co,tx")


def test_the_relay_needs_the_direct_database() -> None:
    with pytest.raises(ValidationError, match="database_direct_url"):
        RelaySettings.model_validate(URL)


@pytest.mark.parametrize(
    ("model", "port"), [(RelaySettings, 8015), (SchedulerSettings, 8016), (WorkerSettings, 8000)]
)
def test_ports(model: Any, port: int) -> None:
    made = model.model_validate(URL | {"database_direct_url": URL["database_url"]})
    assert made.port == port
