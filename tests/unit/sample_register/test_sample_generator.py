"""The generator is a pure function of seed, size and day; tomorrow's register extends today's."""

from datetime import date, timedelta

from services.sample_register.generator import generate
from tests.unit.sample_register.conftest import AS_OF, loaded


def test_same_arguments_give_the_same_bytes() -> None:
    assert generate(3, 500, AS_OF) == generate(3, 500, AS_OF)


def test_another_seed_gives_another_register() -> None:
    assert generate(3, 500, AS_OF) != generate(4, 500, AS_OF)


def test_tomorrow_holds_what_today_holds_but_for_the_oldest() -> None:
    today = loaded(generate(3, 800, AS_OF))["filings"]
    tomorrow = loaded(generate(3, 800, AS_OF + timedelta(days=1)))["filings"]
    gone = {row["masterdocumentid"] for row in today if row not in tomorrow}
    assert all(number[:4] == "2020" for number in gone)
    assert len(gone) < 20


def test_tomorrow_brings_only_tomorrows_documents() -> None:
    day = date(2026, 11, 24)
    today = loaded(generate(3, 800, day - timedelta(days=1)))["filings"]
    tomorrow = loaded(generate(3, 800, day))["filings"]
    new = [row for row in tomorrow if row not in today]
    assert {row["filingdate"][:10] for row in new} <= {f"{day}"}


def test_the_smallest_register() -> None:
    assert len(loaded(generate(3, 1, AS_OF, dirt=False))["filings"]) >= 1
