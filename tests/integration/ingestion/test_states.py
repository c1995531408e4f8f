"""Connecticut and Oregon end to end: stand-ins with rows of their own, read into prospects."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.common.db import Database
from services.common.sql import Query
from tests.support.ingestion import children, ingest, ingestion_worker
from tests.unit.ingestion.soda_host import SodaHost, body, soda_host

AS_OF = "2026-11-01"
FILINGS = Query(
    "test_filings",
    "SELECT filing_number, status, lapse_on::text, filing_type FROM ucc_filings ORDER BY 1",
)
PROSPECTS = Query(
    "test_prospects",
    "SELECT p.state, p.name_key, array_agg(f.filing_number ORDER BY f.filing_number) AS filings"
    " FROM prospects AS p JOIN prospect_ucc_filings AS l ON l.prospect_id = p.id"
    " JOIN ucc_filings AS f ON f.id = l.filing_id GROUP BY p.id ORDER BY p.name_key",
)
QUARANTINE = Query("test_quarantine", "SELECT dataset, reason FROM quarantine ORDER BY 2")
LENDER = "DE LAGE LANDEN FINANCIAL SERVICES, INC."


def lien(number: str, of: str = "", filed: str = "2025-03-01", **cells: Any) -> dict[str, Any]:
    """A row of Connecticut: an original financing statement unless `cells` say otherwise."""
    row = {
        "id_lien_flng_nbr": of or number,
        "id_ucc_flng_nbr": number,
        "lien_status": "Active",
        "cd_flng_type": "ORIG FIN STMT",
        "tx_lien_descript": "OFS",
        "debtor_nm_bus": "CONSTITUTION SURGERY CENTER EAST, LLC",
        "debtor_ad_city": "WATERFORD",
        "debtor_ad_state": "CT",
        "sec_party_nm_bus": LENDER,
        "dt_accept": f"{filed}T00:00:00.000",
        "dt_lapse": f"{int(filed[:4]) + 5}{filed[4:]}T00:00:00.000",
    }
    return {name: value for name, value in (row | cells).items() if value is not None}


def amendment(number: str, of: str, kind: str, filed: str, **cells: Any) -> dict[str, Any]:
    """A row of Connecticut that names no party."""
    nobody = {"debtor_nm_bus": None, "sec_party_nm_bus": None, "dt_lapse": None}
    return lien(number, of, filed, **({"cd_flng_type": kind} | nobody | cells))


def entry(number: str, role: str, name: str, **cells: Any) -> dict[str, Any]:
    """A row of Oregon: a party of an initial filing unless `cells` say otherwise."""
    row = {
        "file_number": number,
        "original_file_number": number,
        "file_type": "INITIAL",
        "lien_type": "UCC",
        "filing_date": "2026-10-05T00:00:00.000",
        "lapse_date": "2031-10-05T00:00:00",
        "party_type": role,
        "entity_type": "ORG",
        "entity": name,
        "city_descr": "PORTLAND",
        "st_cd_txt": "OR",
    }
    return row | cells


@pytest.fixture
async def connecticut(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SodaHost]:
    async with soda_host(xfev_8smz=[]) as host:
        monkeypatch.setenv("SOURCE_CT_URL", host.url)
        yield host


@pytest.fixture
async def oregon(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SodaHost]:
    async with soda_host(snfi_f79b=[]) as host:
        monkeypatch.setenv("SOURCE_OR_URL", host.url)
        yield host


@pytest.fixture
async def worker(environment: dict[str, str]) -> AsyncIterator[Database]:
    """The pool of a database that an ingestion worker works on, ten rows a page."""
    async with ingestion_worker(environment, ingest_page_size=10) as db:
        yield db


async def told(db: Database, query: Query) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await db.fetch(query)]


async def test_connecticut_prospects_are_of_connecticut(
    connecticut: SodaHost, worker: Database
) -> None:
    away = {"debtor_ad_city": "NEW YORK", "debtor_ad_state": "NY"}
    connecticut.tables["xfev-8smz"] = [
        lien("0005229652"),
        lien("0005229653", debtor_nm_bus="Constitution Surgery Center East", **away),
        lien("0005229654", debtor_nm_bus="YANKEE BAGELS INC", **away),
        lien("0005229655", debtor_nm_bus=None, debtor_nm_first="PERSON", debtor_nm_last="A"),
    ]
    await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    assert await told(worker, PROSPECTS) == [
        ("CT", "CONSTITUTIONSURGERYCENTEREAST", ["0005229652", "0005229653"]),
        ("CT", "YANKEEBAGELS", ["0005229654"]),
    ]


async def test_connecticut_amendments_are_applied(connecticut: SodaHost, worker: Database) -> None:
    ended = {"lien_status": "Terminated"}
    connecticut.tables["xfev-8smz"] = [
        lien("11", filed="2021-11-20"),
        amendment("12", "11", "CONTINUATION", "2026-08-01"),
        lien("21", filed="2021-06-01", lien_status="Lapsed"),
        lien("31", filed="2024-01-10", **ended),
        amendment("32", "31", "TERMINATION", "2025-02-01", tx_lien_descript=None, **ended),
        lien("41", cd_flng_type="JUDGMENT LIEN", tx_lien_descript=None, dt_lapse="9999-12-31"),
    ]
    await ingest(worker, "ct", since="2020-01-01", as_of=AS_OF)
    assert await told(worker, FILINGS) == [
        ("11", "active", "2031-11-20", "ucc"),
        ("21", "lapsed", "2026-06-01", "ucc"),
        ("31", "terminated", "2029-01-10", "ucc"),
        ("41", "active", None, "judgment_lien"),
    ]


async def test_a_connecticut_amendment_that_lists_some_parties_leaves_the_others(
    connecticut: SodaHost, worker: Database
) -> None:
    connecticut.tables["xfev-8smz"] = [
        lien("11"),
        lien("11", debtor_nm_bus="NUTMEG BAGELS INC"),
        amendment("12", "11", "AMENDMENT", "2026-08-01", debtor_nm_bus="YANKEE BAGELS INC"),
        amendment("13", "11", "AMENDMENT", "2026-08-02"),
    ]
    await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    assert [name for _, name, _ in await told(worker, PROSPECTS)] == [
        "CONSTITUTIONSURGERYCENTEREAST",
        "NUTMEGBAGELS",
        "YANKEEBAGELS",
    ]


async def test_a_connecticut_lien_whose_status_alone_changed_is_read_again(
    connecticut: SodaHost, worker: Database
) -> None:
    connecticut.tables["xfev-8smz"] = [lien("11")]
    await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    connecticut.tables["xfev-8smz"] = [lien("11", lien_status="Terminated")]
    run = await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    assert run["result"]["changed"] == 1
    assert await told(worker, FILINGS) == [("11", "terminated", "2030-03-01", "ucc")]


async def test_liens_of_connecticuts_labor_department_are_tax_liens_and_end(
    connecticut: SodaHost, worker: Database
) -> None:
    holder: dict[str, Any] = {
        "sec_party_nm_bus": "CONNECTICUT DEPARTMENT OF LABOR",
        "tx_lien_descript": None,
    }
    ended = {"debtor_nm_bus": "T-SHIRT ETC.", "lien_status": "Terminated"}
    connecticut.tables["xfev-8smz"] = [
        lien("0003279557", cd_flng_type="ORIG FIN STMT", **holder),
        lien("0003279558", cd_flng_type="ORIG", **holder),
        amendment("0003279651", "0003279557", "TERMINATION", "2026-01-12", **ended, **holder),
    ]
    await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    found = [(number, status) for number, status, *_ in await told(worker, FILINGS)]
    assert found == [("0003279557", "terminated"), ("0003279558", "active")]
    assert (await told(worker, FILINGS))[1][3] == "state_tax_lien"


async def test_connecticut_lien_is_fetched_for_an_amendment(
    connecticut: SodaHost, worker: Database
) -> None:
    connecticut.tables["xfev-8smz"] = [
        lien("11", filed="2021-11-20"),
        amendment("12", "11", "CONTINUATION", "2026-08-01"),
    ]
    run = await ingest(worker, "ct", since="2026-07-01", as_of=AS_OF)
    (history,) = await children(worker, run["id"], "ingestion.history")
    assert history["args"]["numbers"] == ["11"]
    assert await told(worker, FILINGS) == [("11", "active", "2031-11-20", "ucc")]


async def test_a_lien_whose_rows_a_page_cuts_in_two_is_whole(
    connecticut: SodaHost, worker: Database
) -> None:
    connecticut.tables["xfev-8smz"] = [
        lien(f"{number}", debtor_nm_bus=f"{word} BAGELS INC")
        for number in range(100, 108)
        for word in ("YANKEE", "NUTMEG", "CHARTER OAK")
    ]
    run = await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    assert len(await children(worker, run["id"])) == 3
    everywhere = [f"{number}" for number in range(100, 108)]
    assert await told(worker, PROSPECTS) == [
        ("CT", "CHARTEROAKBAGELS", everywhere),
        ("CT", "NUTMEGBAGELS", everywhere),
        ("CT", "YANKEEBAGELS", everywhere),
    ]


async def test_the_next_run_begins_some_days_before_the_last(
    connecticut: SodaHost, worker: Database
) -> None:
    await ingest(worker, "ct", as_of="2026-10-01")
    await ingest(worker, "ct", as_of=AS_OF)
    pages = [params for _, params in connecticut.requests if params["$limit"] == "10"]
    asked = [params["$where"] for params in pages]
    assert asked == ["dt_accept>='2026-07-03'", "dt_accept>='2026-09-24'"]


async def test_good_rows_of_an_answer_that_is_no_json_are_kept(
    connecticut: SodaHost, worker: Database, impatient: None
) -> None:
    half = '[{"id_ucc_flng_nbr":"7","id_lien_flng_nbr":"7","cd_flng_type":"ORIG FIN STMT",'
    half += '"debtor_nm_bus":"YANKEE BAGELS INC","dt_accept":"2025-03-01"},{"id_ucc_flng_nbr"'
    connecticut.faults.extend([body("[]"), body(half), body(half)])  # the first is for the probe
    connecticut.tables["xfev-8smz"] = [
        lien("7", debtor_nm_bus="YANKEE BAGELS INC"),
        lien("8", debtor_nm_bus="NUTMEG BAGELS INC"),
    ]
    await ingest(worker, "ct", since="2025-01-01", as_of=AS_OF)
    assert [name for _, name, _ in await told(worker, PROSPECTS)] == [
        "NUTMEGBAGELS",
        "YANKEEBAGELS",
    ]


ODD: list[tuple[dict[str, Any], str]] = [
    ({"lien_status": {}}, "column lien_status holds an object where text is expected"),
    ({"tx_lien_descript": []}, "column tx_lien_descript holds a list where text is expected"),
    ({"id_ucc_flng_nbr": "\0"}, "column id_ucc_flng_nbr is missing"),
    ({"id_ucc_flng_nbr": "7" * 501}, "column id_ucc_flng_nbr holds 501 characters, more than 500"),
    ({"debtor_nm_bus": "A " * 2000}, "the name has 3999 characters, more than 500"),
    ({"dt_accept": "2025-13-01"}, "column dt_accept is no date: '2025-13-01'"),
]


async def test_odd_rows_are_set_aside_and_the_others_kept(
    connecticut: SodaHost, worker: Database
) -> None:
    odd = [lien(f"{number}") | cells for number, (cells, _) in enumerate(ODD)]
    connecticut.tables["xfev-8smz"] = [*odd, lien("99")]
    await ingest(worker, "ct", as_of="2025-03-10")
    assert await told(worker, QUARANTINE) == sorted(("xfev-8smz", why) for _, why in ODD)
    assert [number for number, *_ in await told(worker, FILINGS)] == ["99"]


async def test_oregon_prospects_are_of_oregon(oregon: SodaHost, worker: Database) -> None:
    away = {"city_descr": "VANCOUVER", "st_cd_txt": "WA"}
    oregon.tables["snfi-f79b"] = [
        entry("93001", "DB", "CASCADE HOPS LLC", **away),
        entry("93001", "SP", LENDER),
        entry("93002", "DB", "A PERSON", entity_type="IND"),
        entry("93002", "SP", LENDER),
    ]
    await ingest(worker, "or", since="2026-10-01", as_of=AS_OF)
    assert await told(worker, PROSPECTS) == [("OR", "CASCADEHOPS", ["93001"])]


async def test_oregon_amendments_are_applied(oregon: SodaHost, worker: Database) -> None:
    old = {"filing_date": "2021-10-20T00:00:00.000", "lapse_date": "2026-10-20T00:00:00"}
    of_1 = {"original_file_number": "91001", "file_type": "AMENDMENT"}
    of_2 = of_1 | {"original_file_number": "91002"}
    oregon.tables["snfi-f79b"] = [
        entry("91001", "DB", "CASCADE HOPS LLC", **old),
        entry("91002", "DB", "CASCADE HOPS LLC", **old),
        entry("91001-1", "DB", "CASCADE HOPS LLC", **of_1, lapse_date="2031-10-20T00:00:00"),
        entry("91002-1", "DB", "CASCADE HOPS LLC", **of_2, lien_type="UCC-X"),
        entry("91003", "DB", "CASCADE HOPS LLC", lien_type="IRS", lapse_date="2036-10-05T00:00:00"),
    ]
    await ingest(worker, "or", since="2021-01-01", as_of=AS_OF)
    assert await told(worker, FILINGS) == [
        ("91001", "active", "2031-10-20", "ucc"),
        ("91002", "terminated", "2026-10-20", "ucc"),
        ("91003", "active", "2036-10-05", "federal_tax_lien"),
    ]


async def test_an_oregon_amendment_that_lists_some_parties_leaves_the_others(
    oregon: SodaHost, worker: Database
) -> None:
    of = {"original_file_number": "91001", "file_type": "AMENDMENT"}
    oregon.tables["snfi-f79b"] = [
        entry("91001", "DB", "CASCADE HOPS LLC"),
        entry("91001", "DB", "ROGUE MALT LLC"),
        entry("91001", "SP", LENDER),
        entry("91001-1", "SP", "KEYBANK NATIONAL ASSOCIATION", **of),
        entry("91001-2", "DB", "SISTERS YEAST LLC", **of),
    ]
    await ingest(worker, "or", since="2026-10-01", as_of=AS_OF)
    assert [name for _, name, _ in await told(worker, PROSPECTS)] == [
        "CASCADEHOPS",
        "ROGUEMALT",
        "SISTERSYEAST",
    ]


@pytest.mark.parametrize("lien_type", ["IRS", "DOR"])
async def test_a_release_ends_an_oregon_tax_lien(
    oregon: SodaHost, worker: Database, lien_type: str
) -> None:
    of = {"original_file_number": "91001", "file_type": "AMENDMENT"}
    oregon.tables["snfi-f79b"] = [
        entry("91001", "DB", "CASCADE HOPS LLC", lien_type=lien_type),
        entry("91001-1", "DB", "CASCADE HOPS LLC", lien_type=f"{lien_type}-X", **of),
    ]
    await ingest(worker, "or", since="2026-10-01", as_of=AS_OF)
    ((_, status, _, kind),) = await told(worker, FILINGS)
    assert (status, kind) == (
        "terminated",
        "federal_tax_lien" if lien_type == "IRS" else "state_tax_lien",
    )


async def test_an_oregon_filing_of_an_older_month_makes_no_prospect(
    oregon: SodaHost, worker: Database
) -> None:
    of = {"original_file_number": "1866", "file_type": "AMENDMENT"}
    oregon.tables["snfi-f79b"] = [entry("1866-23", "DB", "CASCADE HOPS LLC", **of)]
    first = await ingest(worker, "or", since="2026-10-01", as_of=AS_OF)
    again = await ingest(worker, "or", since="2026-10-01", as_of=AS_OF)
    assert await told(worker, FILINGS) == [("1866", "unknown", "2031-10-05", None)]
    assert await told(worker, PROSPECTS) == []
    asked = [len(await children(worker, r["id"], "ingestion.history")) for r in (first, again)]
    assert asked == [1, 0]
