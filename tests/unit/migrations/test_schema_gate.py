"""When a release may start on a database."""

from dataclasses import replace
from datetime import UTC, datetime

from migrations import history
from migrations.files import load_mapping
from migrations.history import Entry

FIRST = Entry(*(1, "a", "0" * 64, "up", "applied", datetime(2026, 1, 2, tzinfo=UTC), 5, "ucc@host"))
SECOND = replace(FIRST, version=2, name="b", min_app_version="1.9.0")
THIRD = replace(FIRST, version=3, name="c", min_app_version="1.10.0")


def test_a_release_starts_on_what_it_needs_and_on_what_is_newer() -> None:
    assert history.gate([FIRST], 1, "1.0.0") == ""
    assert history.gate([FIRST, replace(SECOND, min_app_version=None)], 1, "1.0.0") == ""
    assert history.gate([], 0, "1.0.0") == ""


def test_a_schema_that_is_behind_says_where_it_is() -> None:
    assert history.gate([], 1, "1.0.0").startswith("no migration was applied yet: it is at 0000")
    assert history.gate([FIRST], 2, "1.0.0") == "it is at 0001; run `python -m migrations up`."


def test_only_doubt_about_what_it_needs_holds_a_release_back() -> None:
    doubtful = replace(SECOND, state="started", min_app_version=None)
    assert history.gate([FIRST, doubtful], 1, "1.0.0") == ""
    assert "0002_b is being applied or in doubt" in history.gate([FIRST, doubtful], 2, "1.0.0")


def test_versions_of_releases_are_compared_as_numbers() -> None:
    entries = [FIRST, SECOND, THIRD]
    assert history.gate(entries, 1, "1.10.0") == ""
    assert history.gate(entries, 1, "2.0.0") == ""
    assert "since 0003_c the database needs release 1.10.0" in history.gate(entries, 1, "1.9.9")
    assert history.highest_app_version(entries) == "1.10.0"


def test_a_contract_that_may_be_in_effect_counts() -> None:
    doubtful = replace(THIRD, state="started")
    assert "needs release 1.10.0" in history.gate([FIRST, SECOND, doubtful], 1, "1.9.0")


def test_a_release_needs_its_newest_expand_file() -> None:
    contract = "-- phase: contract\n-- min_app_version: 1.0.0\nSELECT 1"
    data = {"0001_a.up.sql": "SELECT 1", "0002_b.up.sql": contract}
    data |= {name.replace(".up.", ".down."): "SELECT 1" for name in data}
    assert history.newest_expand(load_mapping(data)) == 1
