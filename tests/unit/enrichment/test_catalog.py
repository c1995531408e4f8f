"""Which outside sources are asked, by the settings."""

import pytest
from pydantic import ValidationError

from services.common.config import source_quota
from services.common.errors import Misconfigured
from services.pipelines.enrichment import catalog
from services.pipelines.enrichment.settings import OUTSIDE, EnrichmentSettings

KEYS = {
    "source_osha_key": "k",
    "source_edgar_contact": "me@example.com",
    "source_adzuna_id": "i",
    "source_adzuna_key": "k",
    "source_greenhouse_boards": "acme=CO:Acme LLC",
    "source_lever_boards": "acme=CO:Acme LLC",
}


def settings(**given: object) -> EnrichmentSettings:
    return EnrichmentSettings.model_validate({"database_url": "postgres://x", **given})


def reasons(given: EnrichmentSettings) -> dict[str, str | None]:
    return {s.about.name: catalog.not_asked(given, s) for s in catalog.known(given)}


def test_the_catalog_has_the_named_sources() -> None:
    assert tuple(reasons(settings())) == OUTSIDE


def test_none_is_asked_by_default() -> None:
    assert all(why and why.startswith("not enabled") for why in reasons(settings()).values())


def test_a_source_is_on_where_one_of_its_settings_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_CHICAGO_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SOURCE_OSHA_KEY", "k")
    monkeypatch.setenv("SOURCE_USASPENDING_RATE", "1")
    assert settings().asked == {"chicago", "osha"}
    assert settings(enrichment_sources="none").asked == frozenset()
    assert settings(enrichment_sources="usaspending").asked == {"usaspending"}


def test_a_key_that_is_missing_is_named() -> None:
    why = reasons(settings(enrichment_sources="all"))
    assert {name: text for name, text in why.items() if text} == {
        "osha": "not configured: set SOURCE_OSHA_KEY",
        "edgar": "not configured: set SOURCE_EDGAR_CONTACT",
        "adzuna": "not configured: set SOURCE_ADZUNA_ID and SOURCE_ADZUNA_KEY",
        "greenhouse": "not configured: set SOURCE_GREENHOUSE_BOARDS",
        "lever": "not configured: set SOURCE_LEVER_BOARDS",
    }


def test_with_every_key_every_source_is_asked() -> None:
    assert set(reasons(settings(enrichment_sources="all", **KEYS)).values()) == {None}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enrichment_sources", "usaspending,yelp"),
        ("source_lever_boards", "acme"),
        ("source_greenhouse_boards", "a/../b=CO:Acme LLC"),
    ],
)
def test_a_bad_setting_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        settings(**{name: value})


def test_keys_are_not_shown() -> None:
    given = settings(enrichment_sources="all", source_osha_key="open sesame")
    assert "sesame" not in repr(given)
    assert not any("sesame" in repr(source) for source in catalog.known(given))


@pytest.mark.parametrize("value", ["0", "-1", "ten", "1.5"])
def test_a_quota_is_a_whole_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SOURCE_ADZUNA_QUOTA", value)
    with pytest.raises(Misconfigured):
        source_quota("adzuna", 1000)


def test_a_quota_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_ADZUNA_QUOTA", "250")
    assert (source_quota("adzuna", 1000), source_quota("osha", None)) == (250, None)
