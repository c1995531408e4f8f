"""Answers of the register: the indexed ways give what the plain reading of the rows gives."""

from typing import Any

import orjson
import pytest

from services.sample_register.dataset import SPECS, Dataset, Table
from services.sample_register.query import Engine
from services.sample_register.soda import parse
from tests.unit.sample_register.conftest import Rows

FILINGS, DEBTORS = "wffy-3uut", "8upq-58vz"


def _ask(small: Dataset, id_: str, **params: str) -> list[dict[str, Any]]:
    table = small[id_]
    query = parse(table.spec, {f"${key}": value for key, value in params.items()})
    rows: list[dict[str, Any]] = orjson.loads(Engine(table).answer(query))
    return rows


def _key(row: dict[str, Any]) -> tuple[bool, str, str]:
    number = row.get("transactionid")
    return number is None, number or "", row["fileid"]


def test_pages_of_a_walk_join_to_the_whole(small: Dataset, small_rows: Rows) -> None:
    pages = [
        row
        for offset in range(0, 800, 37)
        for row in _ask(
            small, FILINGS, order="transactionid,fileid", limit="37", offset=str(offset)
        )
    ]
    assert pages == sorted(small_rows["filings"], key=_key)


def test_a_window_of_filing_dates(small: Dataset, small_rows: Rows) -> None:
    since, until = "2024-03-01", "2025-03-01"
    where = f"filingdate>='{since}' and filingdate<'{until}'"
    found = _ask(small, FILINGS, where=where, order="transactionid,fileid", limit="5000")
    wanted = [row for row in small_rows["filings"] if since <= row.get("filingdate", "") < until]
    assert found == sorted(wanted, key=_key)


def test_lists_find_all_rows_of_a_filing(small: Dataset, small_rows: Rows) -> None:
    files = {row["fileid"] for row in small_rows["filings"][::5]}
    quoted = ",".join(f"'{file}'" for file in files)
    found = _ask(
        small, DEBTORS, where=f"fileid in ({quoted})", order="fileid,debtorid", limit="999"
    )
    wanted = [row for row in small_rows["debtors"] if row.get("fileid") in files]
    assert found == sorted(wanted, key=lambda row: (row["fileid"], row["debtorid"]))


def test_amendments_by_their_master(small: Dataset, small_rows: Rows) -> None:
    masters = {row["masterdocumentid"] for row in small_rows["filings"][:40] if "lapsedate" in row}
    where = "masterdocumentid in ({}) and transactiontype='Amendment'".format(
        ",".join(f"'{master}'" for master in masters)
    )
    wanted = [
        row
        for row in small_rows["filings"]
        if row.get("masterdocumentid") in masters and row.get("transactiontype") == "Amendment"
    ]
    assert len(_ask(small, FILINGS, where=where, limit="999")) == len(wanted)


def test_like_knows_case(small: Dataset, small_rows: Rows) -> None:
    named = [row["organizationname"] for row in small_rows["debtors"] if "organizationname" in row]
    low = _ask(small, DEBTORS, where="organizationname like '%llc%'", limit="999")
    upper = _ask(small, DEBTORS, where="upper(organizationname) like '%LLC%'", limit="999")
    assert len(low) == sum("llc" in name for name in named)
    assert len(upper) == sum("LLC" in name.upper() for name in named)


def test_like_takes_signs_of_regular_expressions_as_they_are() -> None:
    table = Table(SPECS[1], [b'{"fileid":"1","debtorid":"1","city":"A.B(C"}'], {})
    assert len(_ask({DEBTORS: table}, DEBTORS, where="city like 'A.B(_'")) == 1
    assert _ask({DEBTORS: table}, DEBTORS, where="city like 'A_B'") == []


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("city = 'X'", 1),
        ("city != 'X'", 1),
        ("city <> 'X'", 1),
        ("city > 'X'", 1),
        ("city <= 'Y'", 2),
        ("city is null", 1),
        ("city is not null", 2),
        ("city in ('X','Z')", 1),
        ("city = 'X' or state = 'CO'", 2),
        ("(city = 'X' or state = 'CO') and fileid = '2'", 1),
        ("fileid >= '2' and fileid < '3'", 1),
        ("fileid in ('1', '1', '3', '9')", 2),
        ("fileid = 2", 1),
    ],
)
def test_conditions(where: str, count: int) -> None:
    rows = [
        b'{"fileid":"1","debtorid":"1","city":"X"}',
        b'{"fileid":"2","debtorid":"2","city":"Y","state":"CO"}',
        b'{"fileid":"3","debtorid":"3"}',
    ]
    table = {DEBTORS: Table(SPECS[1], rows, {})}
    assert len(_ask(table, DEBTORS, where=where)) == count


def test_order_puts_nulls_last_and_first_when_descending(small: Dataset) -> None:
    up = _ask(small, FILINGS, order="lapsedate,transactionid,fileid", limit="9999")
    down = _ask(small, FILINGS, order="lapsedate DESC,transactionid,fileid", limit="9999")
    assert "lapsedate" in up[0]
    assert "lapsedate" not in up[-1]
    assert "lapsedate" not in down[0]


def test_rows_that_tie_keep_one_order(small: Dataset) -> None:
    whole = _ask(small, FILINGS, order="filingtype", limit="9999")
    halves = [
        row
        for offset in ("0", "300")
        for row in _ask(
            small, FILINGS, order="filingtype", limit="300" if offset == "0" else "9999",
            offset=offset,
        )
    ]  # fmt: skip
    assert halves == whole


def test_count_is_a_string(small: Dataset, small_rows: Rows) -> None:
    assert _ask(small, FILINGS, select="count(*)") == [{"count": str(len(small_rows["filings"]))}]


def test_selected_columns_only_and_no_nulls(small: Dataset) -> None:
    rows = _ask(small, FILINGS, select="fileid,lapsedate as until", order="fileid", limit="999")
    assert {key for row in rows for key in row} == {"fileid", "until"}
    assert any("until" not in row for row in rows)


def test_types_are_those_of_socrata(small_rows: Rows) -> None:
    for rows in small_rows.values():
        for row in rows:
            assert all(isinstance(value, str | bool) for value in row.values())


def test_walks_are_forgotten_when_there_are_many(small: Dataset) -> None:
    engine = Engine(small[FILINGS])
    for day in range(1, 32):
        for month in ("01", "02"):
            where = f"filingdate>='2025-{month}-{day:02d}' and filingdate<'2026-01-01'"
            engine.answer(parse(engine.table.spec, {"$where": where}))
    assert len(engine._walks) <= 32
