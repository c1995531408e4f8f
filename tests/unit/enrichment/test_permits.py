"""Building permits of three cities: asked as each needs it, read with the faults each has."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from services.common.errors import SourceUnavailable
from services.pipelines.enrichment.signals.chicago import Chicago
from services.pipelines.enrichment.signals.nyc import NewYork
from services.pipelines.enrichment.signals.places import Place
from services.pipelines.enrichment.signals.sf import SanFrancisco
from tests.support.sources import rows
from tests.support.sources.asking import Asking, asking
from tests.support.sources.clients import firm, row_without
from tests.support.sources.stand_in import Asked

CHICAGO = firm("KING REBAR, L.L.C.", "IL", Place.of("9 W ERIE ST", "CHICAGO", "IL", "60654"))
SF = firm("KING REBAR, L.L.C.", "CA", Place.of("1 MARKET STREET", "SAN FRANCISCO", "CA", "94105"))
NYC = firm("KING REBAR, L.L.C.", "NY", Place.of("5 COURT ST", "BROOKLYN", "NY", "11201"))


def today() -> date:
    return date(2026, 9, 15)


def none(_: Asked) -> list[Any]:
    return []


@pytest.fixture
async def chicago() -> AsyncIterator[Asking]:
    async with asking(Chicago(today=today), CHICAGO, lambda _: [rows.chicago()]) as source:
        yield source


@pytest.fixture
async def sf() -> AsyncIterator[Asking]:
    def respond(asked: Asked) -> list[Any]:
        return [rows.sf_contact()] if "3pee-9qhc" in asked.path else [rows.sf()]

    async with asking(SanFrancisco(today=today), SF, respond) as source:
        yield source


@pytest.fixture
async def nyc() -> AsyncIterator[Asking]:
    def respond(asked: Asked) -> list[Any]:
        if "ipu4-2q9a" in asked.path:
            return [rows.nyc()] if "permittee" in asked.params["$where"] else []
        return [rows.dob_now()] if "applicant" in asked.params["$where"] else []

    async with asking(NewYork(today=today), NYC, respond) as source:
        yield source


async def test_chicago_is_searched_by_the_words_of_the_name(chicago: Asking) -> None:
    await chicago.signals()
    (asked,) = chicago.stand_in.asked
    assert asked.path == "/resource/ydr8-5enu.json"
    assert asked.params == {
        "$where": "issue_date>='2025-09-01'", "$q": "KING REBAR", "$order": "issue_date,id",
        "$limit": "1000", "$offset": "0",
    }  # fmt: skip


async def test_a_permit_of_chicago_names_what_the_business_does_on_it(chicago: Asking) -> None:
    signal = await chicago.one()
    assert (signal.type, signal.source_key, signal.amount) == ("permit", "100937623", 424000)
    assert signal.observed_on == date(2026, 3, 1)
    assert signal.title == "Building permit in Chicago: new construction"
    assert signal.confidence == Place.CITY
    said = signal.evidence["said"]
    assert said["role"] == "contractor-general contractor"
    assert (said["address"], said["fee"]) == ("830 N MARSHFIELD AVE", 5161.51)


async def test_nobody_else_on_the_permit_is_kept(chicago: Asking) -> None:
    assert "DEBTOR0001" not in repr(await chicago.one())


async def test_any_of_the_fifteen_contacts_may_be_the_business(chicago: Asking) -> None:
    row = row_without(rows.chicago(), "contact_2_name") | {"contact_15_name": "King Rebar"}
    (signal,) = await chicago.of([row])
    assert signal.confidence == Place.OFFICE


async def test_a_contact_of_another_state_is_another_business(chicago: Asking) -> None:
    moved = {"contact_2_city": "DALLAS", "contact_2_state": "TX", "contact_2_zipcode": "75201"}
    assert await chicago.of([rows.chicago(**moved)]) == []


async def test_full_text_hits_elsewhere_in_the_row_are_no_match(chicago: Asking) -> None:
    row = rows.chicago(contact_2_name="OTHER LLC", work_description="FOR KING REBAR LLC")
    assert await chicago.of([row]) == []


async def test_missing_cells_of_chicago_cost_only_themselves(chicago: Asking) -> None:
    row = row_without(rows.chicago(), "issue_date", "reported_cost", "permit_type", "street_number")
    (signal,) = await chicago.of([row])
    assert (signal.amount, signal.observed_on) == (None, None)
    assert signal.title == "Building permit in Chicago: work"


@pytest.mark.parametrize(
    ("cost", "amount"), [("0", None), ("1,200.50", 1200.5), ("n/a", None), (7, 7.0), ([], None)]
)
async def test_costs_arrive_as_text(chicago: Asking, cost: Any, amount: float | None) -> None:
    (signal,) = await chicago.of([rows.chicago(reported_cost=cost)])
    assert signal.amount == amount


async def test_full_pages_of_permits_are_followed(chicago: Asking) -> None:
    first = [rows.chicago(str(n)) for n in range(1000)]
    assert len(await chicago.of(first, [rows.chicago("last")])) == 1001
    assert [a.params["$offset"] for a in chicago.stand_in.asked] == ["0", "1000"]


async def test_a_page_of_permits_that_comes_again_is_no_answer(chicago: Asking) -> None:
    with pytest.raises(SourceUnavailable, match="repeats"):
        await chicago.of([rows.chicago(str(n)) for n in range(1000)])


async def test_sf_is_asked_for_the_contacts_then_for_their_permits(sf: Asking) -> None:
    await sf.signals()
    contacts, permits = sf.stand_in.asked
    assert contacts.path == "/resource/3pee-9qhc.json"
    assert contacts.params["$where"] == "upper(firm_name) like '%KING%REBAR%'"
    assert permits.path == "/resource/i98e-djp9.json"
    assert permits.params["$where"] == "permit_number in ('202603238106')"


async def test_the_greater_of_the_two_costs_of_sf_counts(sf: Asking) -> None:
    signal = await sf.one()
    assert (signal.source_key, signal.amount) == ("202603238106", 8285917.0)
    assert signal.observed_on == date(2026, 4, 10)
    assert signal.confidence == Place.STREET
    assert signal.evidence["said"]["address"] == "555 California St"
    (raised,) = await sf.of([rows.sf_contact()], [rows.sf(revised_cost="9000000")])
    assert raised.amount == 9_000_000


@pytest.mark.parametrize("flags", [("Y", "N"), ("N", "Y"), ("N", None)])
async def test_one_permit_of_sf_with_many_addresses_is_one_signal(
    sf: Asking, flags: tuple[str | None, str | None]
) -> None:
    found = [
        rows.sf(primary_address_flag=flag, street_number=f"{flag}{n}")
        for n, flag in enumerate(flags)
    ]
    (signal,) = await sf.of([rows.sf_contact()], found)
    primary = next((n for n, flag in enumerate(flags) if flag == "Y"), 0)
    assert signal.evidence["said"]["address"].startswith(f"{flags[primary]}{primary} ")


async def test_permits_of_sf_before_the_window_are_left_out(sf: Asking) -> None:
    assert await sf.of([rows.sf_contact()], [rows.sf(issued_date="2021-01-01T00:00:00.000")]) == []


async def test_without_a_contact_no_permit_of_sf_is_asked(sf: Asking) -> None:
    assert await sf.of([rows.sf_contact(firm_name="KING REBARTON INC")]) == []
    assert len(sf.stand_in.asked) == 1


async def test_new_york_is_asked_by_every_column_of_names(nyc: Asking) -> None:
    await nyc.signals()
    assert [a.params["$where"] for a in nyc.stand_in.asked] == [
        "upper(permittee_s_business_name) like '%KING%REBAR%'",
        "upper(owner_s_business_name) like '%KING%REBAR%'",
        "upper(applicant_business_name) like '%KING%REBAR%' and issued_date>='2025-09-01'",
        "upper(owner_business_name) like '%KING%REBAR%' and issued_date>='2025-09-01'",
    ]


async def test_text_dates_of_new_york_are_read_and_windowed_here(nyc: Asking) -> None:
    legacy, now = await nyc.signals()
    assert (legacy.observed_on, legacy.amount) == (date(2026, 6, 26), None)
    assert (now.observed_on, now.amount) == (date(2026, 5, 5), 150000.0)
    nyc.stand_in.respond = lambda _: [rows.nyc(issuance_date="10/26/2020")]
    assert await nyc.signals() == []
    nyc.stand_in.respond = lambda _: [rows.nyc(issuance_date="26/10/2026")]
    assert await nyc.signals() == []


async def test_padding_in_street_names_is_taken_out(nyc: Asking) -> None:
    legacy, _ = await nyc.signals()
    assert legacy.evidence["said"]["address"] == "261 EAST 4 STREET"


async def test_a_renewal_is_the_same_permit(nyc: Asking) -> None:
    def respond(asked: Asked) -> list[Any]:
        both = [rows.nyc(permit_sequence__="01"), rows.nyc(permit_sequence__="02")]
        return both if "permittee" in asked.params["$where"] else []

    nyc.stand_in.respond = respond
    assert {signal.source_key for signal in await nyc.signals()} == {"301302007-01-AL"}


async def test_a_name_that_new_york_cut_off_is_asked_and_known_by_its_beginning(
    nyc: Asking,
) -> None:
    def respond(asked: Asked) -> list[Any]:
        cut = rows.nyc(permittee_s_business_name="CONSERVATION PLUMBING & H")
        return [cut] if "permittee" in asked.params["$where"] else []

    nyc.stand_in.respond = respond
    home = Place.of("5 COURT ST", "BROOKLYN", "NY", "11201")
    plumber = firm("CONSERVATION PLUMBING & HEATING CORP", "NY", home)
    (signal,) = await nyc.signals(plumber)
    assert nyc.stand_in.asked[0].params["$where"].endswith("like '%CONSERVATION%PLUMBING%'")
    assert signal.confidence == 0.51
    assert "cut at 25 characters" in signal.evidence["why"]


async def test_the_owner_self_is_nobody(nyc: Asking) -> None:
    nyc.stand_in.respond = lambda _: [rows.nyc(permittee_s_business_name="OTHER INC")]
    assert await nyc.signals(firm("SELF", "NY", Place.of(state="NY", city="NY"))) == []


@pytest.mark.parametrize("city", [Chicago(), SanFrancisco(), NewYork()])
def test_a_business_without_an_address_there_is_not_asked_about(city: Any) -> None:
    assert "is not asked" in (city.passes(firm()) or "")
    home = {"chicago": CHICAGO, "sf": SF, "nyc": NYC}[city.about.name]
    assert city.passes(home) is None


@pytest.mark.parametrize("row", [7, None, "x", {}, {"permit_": None}, {"contact_1_name": 5}])
async def test_rows_of_wrong_types_are_passed_over(chicago: Asking, row: Any) -> None:
    assert len(await chicago.of([row, rows.chicago()])) == 1
