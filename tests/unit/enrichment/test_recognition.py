"""Whether a name that a source tells is the business: name rules, places, and what is kept."""

import pytest

from services.pipelines.enrichment.signals.firms import evidence, recognise, search_words
from services.pipelines.enrichment.signals.places import Place
from tests.support.sources.clients import firm

DENVER = Place.of("1 Main St", "Denver", "CO", "80202")


@pytest.mark.parametrize(
    ("told", "confidence"),
    [
        (Place.of("5200 South Broadway", "Englewood", "Colorado", "80110-1234"), 0.98),
        (Place.of("77 Other Rd", "Littleton", "CO", "80110"), 0.9),
        (Place.of("77 Other Rd", "ENGLEWOOD", "CO", "80113"), 0.85),
        (DENVER, 0.65),
    ],
)
def test_the_nearer_the_place_the_surer(told: Place, confidence: float) -> None:
    match = recognise(firm(), "King Rebar", told)
    assert match and match.confidence == confidence


def test_a_name_in_another_state_is_another_business() -> None:
    assert recognise(firm(), "KING REBAR LLC", Place.of(city="Dallas", state="TX")) is None


def test_a_name_without_a_place_is_nobody() -> None:
    assert recognise(firm(), "KING REBAR LLC") is None
    assert recognise(firm(), "KING REBAR LLC", within="TX") is None


def test_the_state_asked_for_stands_in_for_a_place() -> None:
    match = recognise(firm(), "KING REBAR LLC", within="CO")
    assert match and match.confidence == Place.OFFICE


def test_the_state_of_the_filing_office_counts_without_an_address_in_it() -> None:
    away = firm("KING REBAR", "CO", Place.of(city="Reno", state="NV"))
    match = recognise(away, "KING REBAR", DENVER)
    assert match and match.confidence == Place.OFFICE


def test_home_is_where_the_addresses_are_where_none_is_with_the_filing_office() -> None:
    nevada = Place.of(city="Reno", state="NV")
    assert firm("A", "CO", nevada).home == "NV"
    assert firm("A", "CO", nevada, DENVER).home == "CO"
    assert firm("A", "CO", Place.of(zip="80110")).home == "CO"


@pytest.mark.parametrize(
    "told",
    ["KING REBAR, L.L.C.", "The King Rebar Co.", "king  rebar", "KING-REBAR INC", "K I N G REBAR"],
)
def test_spellings_that_the_offices_hold_for_one_are_one(told: str) -> None:
    assert recognise(firm(), told, DENVER)


@pytest.mark.parametrize("told", ["KING REBAR SUPPLY", "REBAR KING", "KINGS REBAR", "KING", "SELF"])
def test_other_names_are_not(told: str) -> None:
    assert recognise(firm(), told, DENVER) is None


def test_a_trade_name_counts_less() -> None:
    known = firm(trade_names=("Big Iron",))
    match = recognise(known, "BIG IRON LLC", Place.of(city="Englewood", state="CO"))
    assert match and match.confidence == 0.72
    assert 'its trade name "Big Iron"' in match.why


def test_a_name_told_with_its_trade_name_is_found() -> None:
    assert recognise(firm(), "SOMEBODY LLC DBA KING REBAR", DENVER)


def test_a_short_name_needs_more_than_the_same_state() -> None:
    short = firm("ABC LLC")
    assert recognise(short, "ABC INC", DENVER) is None
    assert recognise(short, "ABC INC", Place.of(city="Englewood", state="CO"))


def test_a_name_cut_by_the_source_is_known_by_its_beginning() -> None:
    plumber = firm("CONSERVATION PLUMBING & HEATING CORP", "NY", Place.of(city="NY", state="NY"))
    match = recognise(plumber, "CONSERVATION PLUMBING & H", within="NY", cut=25)
    assert match and match.confidence == 0.51
    assert "cut at 25" in match.why
    assert recognise(plumber, "CONSERVATION PLUMBING", within="NY", cut=25) is None


def test_two_spellings_of_a_street_are_one_address() -> None:
    a = Place.of("901 N MERIDIAN ST", "Portland", "OR", "97201")
    b = Place.of("901 NORTH MERIDIAN STREET", "Portland", "OR", "97201")
    found = a.near(b)
    assert found and found[0] == Place.STREET
    other = Place.of("903 N MERIDIAN ST", "Portland", "OR", "97201")
    assert (near := a.near(other)) and near[0] == Place.ZIP


@pytest.mark.parametrize(
    ("state", "zip", "expected"),
    [
        ("Colorado", "80110-1234", ("CO", "80110")),
        ("co", "801101234", ("CO", "80110")),
        (" N.Y. ", "Bould", (None, None)),
        ("", "8011", (None, None)),
        (None, None, (None, None)),
        ("XX", "80110", (None, "80110")),
    ],
)
def test_a_place_knows_what_can_be_read(
    state: str | None, zip: str | None, expected: tuple[str | None, str | None]
) -> None:
    place = Place.of(state=state, zip=zip)
    assert (place.state, place.zip) == expected


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("KING REBAR, L.L.C.", ["KING", "REBAR"]),
        ("The Alverna Group LLC", ["ALVERNA", "GROUP"]),
        ("JOE'S GRILL & BAR INC", ["GRILL", "BAR"]),
        ("SMITH-JONES EXCAVATING CO", ["SMITH", "JONES", "EXCAVATING"]),
        ("J.B.'S", ["JBS"]),
        ("CAFÉ ROMA LLC", ["ROMA"]),
        ("THE", ["THE"]),
    ],
)
def test_a_search_has_only_words_that_every_spelling_has(name: str, found: list[str]) -> None:
    assert search_words(name) == found


def test_evidence_leaves_out_what_was_not_told() -> None:
    match = recognise(firm(), "KING REBAR", DENVER)
    assert match
    kept = evidence(match, {"a": None, "b": "x", "c": []}, id="1", url=None)
    assert kept["said"] == {"b": "x"}
    assert kept["why"].startswith("Inference: ") and kept["why"].endswith(".")
