"""Which job a request means, what the API refuses, who sees a traceback."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from services.common.context import Principal
from services.common.types import Role
from services.jobs import service
from services.jobs.models import (
    EnrichmentRequest,
    IngestionRequest,
    Job,
    ListQuery,
    ScoringRequest,
)

ID = "5f0d3c35-0000-4000-8000-000000000001"


def asked(model: Any, **fields: Any) -> Any:
    return model.model_validate_json(orjson.dumps(fields), strict=True)


def test_the_same_run_has_the_same_key() -> None:
    one = service.ingestion(asked(IngestionRequest, source="co", since="2026-09-01"))
    same = service.ingestion(asked(IngestionRequest, since="2026-09-01", source="co"))
    other = service.ingestion(asked(IngestionRequest, source="co", since="2026-09-02"))
    assert one.dedupe_key == same.dedupe_key != other.dedupe_key
    assert one.args == {"source": "co", "since": "2026-09-01"}


def test_runs_of_one_register_do_not_overlap() -> None:
    keys = {service.ingestion(asked(IngestionRequest, source=s)).serial_key for s in ("co", "ct")}
    assert keys == {"ingestion:co", "ingestion:ct"}
    assert service.scoring(ScoringRequest()).serial_key is None


def test_enrichment_and_scoring_go_to_their_queues() -> None:
    enrich = service.enrichment(asked(EnrichmentRequest, prospect_ids=[ID]))
    score = service.scoring(ScoringRequest())
    assert (enrich.queue, enrich.kind, enrich.args) == (
        "enrichment", "enrichment", {"prospect_ids": [ID]},
    )  # fmt: skip
    assert (score.queue, score.kind, score.args) == ("scoring", "scoring", {})


@pytest.mark.parametrize(
    ("model", "fields", "named"),
    [
        (IngestionRequest, {"source": "xx"}, "'co', 'ct', 'fl', 'or' or 'sample'"),
        (IngestionRequest, {}, "source"),
        (IngestionRequest, {"source": "co", "since": "yesterday"}, "since"),
        (
            IngestionRequest,
            {"source": "co", "since": "2026-02-02", "until": "2026-02-01"},
            "before",
        ),
        (IngestionRequest, {"source": "co", "url": "http://x"}, "url"),
        (EnrichmentRequest, {"prospect_ids": []}, "prospect_ids"),
        (EnrichmentRequest, {"prospect_ids": ["1"]}, "prospect_ids"),
        (ScoringRequest, {"as_of": 5}, "as_of"),
        (ListQuery, {"limit": 101}, "limit"),
        (ListQuery, {"state": "done"}, "state"),
    ],
)
def test_what_is_not_valid_is_named(model: Any, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        asked(model, **fields)


def test_only_admins_see_tracebacks() -> None:
    error = {"class": "E", "message": "m", "traceback": "t", "fingerprint": "f", "retryable": True}
    job = Job.model_validate(
        {"id": 1, "kind": "a", "state": "dead", "attempt": 1, "max_attempts": 1, "progress": {},
         "error": error, "created_at": "2026-01-01T00:00:00Z", "started_at": None,
         "finished_at": None}
    )  # fmt: skip
    shown = service.shown_to(Principal("u", Role.ANALYST), job)
    assert shown.error and shown.error.traceback is None and shown.error.message == "m"
    assert service.shown_to(Principal("u", Role.ADMIN), job).error == job.error
