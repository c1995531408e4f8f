"""The README and the committed API documents say what the code says."""

import json

import pytest

from tests.support import documents


def test_readme_lists_every_setting() -> None:
    text = documents.README.read_text()
    assert text == documents.readme_with(documents.settings_table()), "run `make documents`"


@pytest.mark.parametrize("service", documents.APIS)
def test_committed_openapi_is_what_the_routes_say(service: str) -> None:
    committed = documents.REPO / "services" / service / "openapi.json"
    assert committed.read_text() == documents.openapi(service), "run `make documents`"


def test_the_table_of_access_is_what_the_documents_say() -> None:
    paths = {s: documents.REPO / "services" / s / "openapi.json" for s in documents.APIS}
    table = documents.access_table({s: json.loads(p.read_text()) for s, p in paths.items()})
    assert documents.ACCESS.read_text() == table, "run `make documents`"


@pytest.mark.parametrize("service", documents.APIS)
def test_every_document_is_held_against_its_service(service: str) -> None:
    folder = documents.REPO / "tests" / "integration" / "contract"
    assert (folder / f"test_contract_{service}.py").exists(), "see contract.py there"
