"""The committed openapi.json is the document that the service serves."""

from pathlib import Path

import orjson
from openapi_spec_validator import validate

from services.jobs import app

COMMITTED = Path(app.__file__).with_name("openapi.json")


def test_the_committed_jobs_document_is_up_to_date() -> None:
    """Else: python -m services.jobs openapi > services/jobs/openapi.json."""
    assert orjson.loads(COMMITTED.read_bytes()) == app.document()


def test_the_jobs_document_is_valid_openapi() -> None:
    validate(app.document())
