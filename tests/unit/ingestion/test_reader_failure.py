"""A reader that fails on one document costs that document, not its page."""

import orjson

from services.pipelines.ingestion.records import Document, RawDocument, Rejected
from services.pipelines.ingestion.registers.colorado import Colorado
from services.pipelines.ingestion.steps import _parsed


class Broken(Colorado):
    """A reader with a defect that shows on every document."""

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        raise ZeroDivisionError("defect")


def test_the_document_is_rejected_verbatim_with_the_failure() -> None:
    raw = RawDocument("20261", b"\0" * 16, {"filings": [{"transactionid": "20261"}]})
    document, (rejected,) = _parsed(Broken(), raw)
    assert document is None
    assert rejected.row_key == "20261"
    assert orjson.loads(rejected.row) == raw.rows
    assert rejected.reason.endswith("ZeroDivisionError: defect")
