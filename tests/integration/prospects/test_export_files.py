"""Exports: which prospects in which order, the same in every format, and safe in a spreadsheet."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.prospects import export_store
from services.prospects.export_models import COLUMNS
from tests.integration.prospects.exports import ask, export, trail
from tests.integration.prospects.support import Desk

SEED = Path(__file__).with_name("seed.sql")
FIRST, SECOND = (f"00000000-0000-4000-8000-{i:012}" for i in (1, 2))
NOBODY = "00000000-0000-4000-8000-00000000ffff"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
NAMES = [
    *('=HYPERLINK("http://evil","x")', "+1", "-1+1", "@SUM(A1)", "\tTab", "\rReturn", "\nLine"),
    *("＝1", "－1", "a=b", "Plain, Inc.", 'With "quotes"', "Two\r\nlines", "Café 你好", "'already"),
]


@pytest.fixture
def desk_of_60(desk: Desk) -> Desk:
    """The service on the sixty prospects of seed.sql."""
    desk.database.psql(SEED.read_text())
    return desk


@pytest.mark.parametrize("form", MEDIA_TYPES)
async def test_a_file_has_its_type_and_name(desk: Desk, form: str) -> None:
    file = await export(desk, form, filter={})
    name = f'attachment; filename="prospects-{datetime.now(UTC):%Y-%m-%d}.{form}"'
    assert (file.status, file.headers["Content-Type"]) == (200, MEDIA_TYPES[form])
    assert file.headers["Content-Disposition"] == name


async def test_an_export_of_nothing_is_a_heading(desk: Desk) -> None:
    assert (await export(desk, "csv", filter={})).body == ",".join(COLUMNS).encode() + b"\r\n"
    assert (await export(desk, "json", filter={})).json == []
    assert (await export(desk, "xlsx", filter={})).sheet == []


async def test_every_format_has_the_same_rows_in_the_order_of_the_list(
    desk_of_60: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_store, "PAGE", 7)
    monkeypatch.setattr("services.prospects.export.PAGE", 7)
    listed = (await desk_of_60.call("GET", "?limit=100")).body["prospects"]
    json = (await export(desk_of_60, "json", filter={})).json
    csv = (await export(desk_of_60, "csv", filter={})).csv
    sheet = (await export(desk_of_60, "xlsx", filter={})).sheet
    assert [row["id"] for row in json] == [item["id"] for item in listed]
    assert all(tuple(row) == COLUMNS for row in json)
    assert csv == [{k: _text(v) for k, v in row.items()} for row in json]
    assert [row["id"] for row in sheet] == [f"inlineStr:{row['id']}" for row in json]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.2f}"
    return str(value)


async def test_a_row_says_what_the_prospect_is(desk_of_60: Desk) -> None:
    [row] = (await export(desk_of_60, "json", prospect_ids=[FIRST])).json
    assert row | {"created_at": None} == {
        **dict.fromkeys(COLUMNS),
        **{"company_name": "Company H", "state": "CT", "address": "1 Main St", "city": "Denver"},
        **{"address_state": "CO", "zip": "80202", "lenders": "Fast Capital", "mca": "possible"},
        "mca_evidence": "co:2026200 2026-08-20 Fast Capital A known funder.",
        **{"stack_depth": 1, "stack_certain": 0, "distress": False, "priority_score": 25},
        **{"health_score": 72, "health_grade": "C", "industry": "restaurant", "filings": 2},
        **{"open_filings": 1, "last_filing_date": "2026-08-20", "lien_amount": 12500.50},
        **{"status": "claimed", "claimed_by": "ann", "claimed_at": "2026-09-01T12:00:00Z"},
        "id": FIRST,
    }


async def test_cells_of_a_sheet_have_types(desk_of_60: Desk) -> None:
    [row] = (await export(desk_of_60, "xlsx", prospect_ids=[FIRST])).sheet
    kinds = {k: row[k] for k in ("company_name", "lien_amount", "distress", "last_filing_date")}
    assert kinds == {
        "company_name": "inlineStr:Company H",
        "lien_amount": "n:12500.5",
        "distress": "b:0",
        "last_filing_date": "n:46254",  # days since 1899-12-30: 2026-08-20
    }
    assert "renewal_on" not in row


async def test_filters_are_those_of_the_list(desk_of_60: Desk) -> None:
    file = await export(desk_of_60, "csv", filter={"state": "or", "min_score": 50, "stacked": True})
    query = "?limit=100&state=or&min_score=50&stacked=true"
    listed = (await desk_of_60.call("GET", query)).body["prospects"]
    assert [row["id"] for row in file.csv] == [item["id"] for item in listed] != []


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
async def test_ids_come_in_the_order_of_the_list_and_once(desk_of_60: Desk, form: str) -> None:
    file = await export(desk_of_60, form, prospect_ids=[FIRST, SECOND, FIRST])
    rows = getattr(file, "sheet" if form == "xlsx" else form)
    assert [row["id"].removeprefix("inlineStr:") for row in rows] == [SECOND, FIRST]
    assert "X-Missing-Count" not in file.headers


async def test_unknown_ids_are_counted(desk_of_60: Desk) -> None:
    file = await export(desk_of_60, "csv", prospect_ids=[FIRST, NOBODY])
    assert (file.status, len(file.csv), file.headers["X-Missing-Count"]) == (200, 1, "1")


async def test_only_unknown_ids_are_not_found(desk: Desk) -> None:
    assert (await export(desk, "csv", prospect_ids=[NOBODY])).status == 404
    assert trail(desk.database) == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({}, "/body"),
        ({"prospect_ids": [FIRST], "filter": {}}, "/body"),
        ({"prospect_ids": []}, "/body/prospect_ids"),
        ({"prospect_ids": ["x"]}, "/body/prospect_ids/0"),
        ({"filter": {"state": "XX"}}, "/body/filter/state"),
        ({"filter": {"page": 1}}, "/body/filter/page"),
        ({"filter": {"min_score": 9, "max_score": 8}}, "/body/filter/min_score"),
        ({"filter": {}, "format": "pdf"}, "/body/format"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    desk: Desk, asked: dict[str, object], pointer: str
) -> None:
    file = await ask(desk, "POST", "/export", {"format": "csv"} | asked)
    assert (file.status, file.json["errors"][0]["pointer"]) == (400, pointer)


async def test_no_cell_is_a_formula(desk: Desk) -> None:
    for number, name in enumerate(NAMES):
        quoted = name.replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
        desk.database.psql(
            "INSERT INTO prospects (company_name, name_key, state, priority_score)"
            f" VALUES (E'{quoted}', 'K{number}', 'CO', {100 - number})"
        )
    rows = (await export(desk, "csv", filter={})).csv
    assert [row["company_name"] for row in rows] == [f"'{n}" for n in NAMES[:9]] + NAMES[9:]
    assert rows[0]["priority_score"] == "100"
    plain = (await export(desk, "json", filter={})).json
    assert [row["company_name"] for row in plain] == NAMES
    sheet = (await export(desk, "xlsx", filter={})).sheet
    assert [row["company_name"] for row in sheet][:2] == [f"inlineStr:{n}" for n in NAMES[:2]]


async def test_the_trail_tells_who_exported_how_much(desk_of_60: Desk) -> None:
    await export(desk_of_60, "csv", filter={"state": "CO"})
    await export(desk_of_60, "json", prospect_ids=[FIRST, NOBODY])
    [begun, ended, _, by_id] = trail(desk_of_60.database)
    assert begun[:2] == ("ann", "begin_export")
    asked = {"format": "csv", "filter": {"state": "CO"}}
    assert ended == ("ann", "export", asked | {"rows": 20, "complete": True})
    told = {"format": "json", "prospect_ids": 1, "missing": 1, "rows": 1, "complete": True}
    assert by_id == ("ann", "export", told)
