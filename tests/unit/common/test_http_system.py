"""What every service serves without a token."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.common.errors import Unavailable
from services.common.http.state import HEALTH
from tests.unit.common.service import Client, FakeDatabase, application


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/api/health",
        "/health/detailed",
        "/health/ready",
        "/health/live",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/docs.js",
        "/docs/swagger-ui.css",
        "/docs/swagger-ui-bundle.js",
    ],
)
async def test_it_is_open(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 200


async def test_health_names_service_and_version(client: Client) -> None:
    report = await (await client.get("/api/health")).json()
    assert (report["status"], report["service"]) == ("ok", "things")
    assert report["version"]


async def test_without_its_database_a_service_is_alive_but_not_ready(
    client: Client, fake_db: FakeDatabase
) -> None:
    fake_db.error = Unavailable("The database cannot be reached")
    assert (await client.get("/health/live")).status == 200
    assert (await client.get("/health")).status == 200
    for path in ("/health/ready", "/health/detailed"):
        response = await client.get(path)
        assert response.status == 503
        checks = (await response.json())["checks"]
        assert checks["database"]["error"] == "The database cannot be reached"


async def test_a_draining_service_is_not_ready_and_closes_connections(client: Client) -> None:
    client.app[HEALTH].draining = True
    response = await client.get("/health/ready")
    assert response.status == 503
    assert response.headers["Connection"] == "close"
    assert (await response.json())["status"] == "draining"
    assert (await client.get("/health/live")).status == 200


async def test_metrics_are_in_the_text_format(client: Client) -> None:
    response = await client.get("/metrics")
    assert response.content_type == "text/plain"
    assert "# TYPE ucc_http_request_seconds histogram" in await response.text()


async def test_the_docs_need_no_other_host_and_no_inline_script(client: Client) -> None:
    response = await client.get("/docs")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    page = await response.text()
    assert "//" not in page
    assert "<script>" not in page


async def document(client: Client) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    made: dict[str, dict[str, dict[str, dict[str, Any]]]]
    made = await (await client.get("/openapi.json")).json()
    return made


async def test_the_document_is_valid_openapi_3_1(client: Client) -> None:
    made = await document(client)
    assert str(made["openapi"]).startswith("3.1")
    OpenAPIV31SpecValidator(made).validate()


async def test_the_document_tells_parameters_as_the_models_do(client: Client) -> None:
    parameters = (await document(client))["paths"]["/api/things"]["get"]["parameters"]
    assert isinstance(parameters, list)
    page = next(p for p in parameters if p["name"] == "page")
    assert page == {
        "name": "page",
        "in": "query",
        "required": False,
        "description": "Page, from 1",
        "schema": {"type": "integer", "minimum": 1, "default": 1, "title": "Page"},
    }


async def test_the_document_tells_who_may_call(client: Client) -> None:
    paths = (await document(client))["paths"]
    assert paths["/api/things"]["post"]["security"] == [{"bearer": []}]
    assert "admin, analyst" in str(paths["/api/things"]["post"]["description"])
    assert paths["/health"]["get"]["security"] == []


async def test_the_document_tells_failures_by_status(client: Client) -> None:
    responses = (await document(client))["paths"]["/api/things"]["post"]["responses"]
    assert isinstance(responses, dict)
    assert set(responses) == {"201", "400", "401", "403", "409", "413", "415", "default"}
    assert "application/problem+json" in responses["409"]["content"]


async def test_the_document_tells_that_not_ready_is_a_report_too(client: Client) -> None:
    responses = (await document(client))["paths"]["/health/ready"]["get"]["responses"]
    assert isinstance(responses, dict)
    assert responses["503"]["content"] == responses["200"]["content"]


async def test_models_of_queries_are_no_schemas(client: Client) -> None:
    schemas = (await document(client))["components"]["schemas"]
    assert {"Problem", "Thing", "NewThing"} <= set(schemas)
    assert not {"ThingQuery", "ThingPath"} & set(schemas)


def test_building_an_application_touches_nothing() -> None:
    application()


async def test_a_query_parameter_is_never_null(client: Client) -> None:
    parameters = (await document(client))["paths"]["/api/things"]["get"]["parameters"]
    assert isinstance(parameters, list)
    schemas = {p["name"]: p["schema"] for p in parameters}
    assert schemas["ratio"] == {"type": "number", "title": "Ratio"}
    assert schemas["since"] == {"type": "string", "format": "date", "title": "Since"}
    assert schemas["mine"] == {"type": "boolean", "default": False, "title": "Mine"}


async def test_the_document_tells_that_an_answer_is_asked_for_by_its_version(
    client: Client,
) -> None:
    operation = (await document(client))["paths"]["/api/things/{id}"]["get"]
    assert "If-None-Match" in [p["name"] for p in operation["parameters"]]
    responses = operation["responses"]
    assert isinstance(responses, dict)
    assert "ETag" in responses["200"]["headers"]
    assert "content" not in responses["304"]
