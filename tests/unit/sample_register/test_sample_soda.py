"""SoQL as far as the sample register speaks it: what is read, what is refused."""

import pytest

from services.sample_register.dataset import SPECS
from services.sample_register.soda import Compare, Join, SodaError, parse

FILINGS, DEBTORS = SPECS[0], SPECS[1]


def test_defaults() -> None:
    query = parse(FILINGS, {})
    assert (query.where, query.order, query.limit, query.offset) == (None, (), 1000, 0)


def test_a_date_is_completed_to_a_timestamp() -> None:
    query = parse(FILINGS, {"$where": "filingdate>='2026-09-01'"})
    assert query.where == Compare("filingdate", ">=", ("2026-09-01T00:00:00.000",))


def test_quotes_are_escaped_by_doubling() -> None:
    query = parse(DEBTORS, {"$where": "organizationname = 'O''HARA''S'"})
    assert query.where == Compare("organizationname", "=", ("O'HARA'S",))


def test_and_binds_tighter_than_or() -> None:
    query = parse(DEBTORS, {"$where": "city='A' or city='B' and state='CO'"})
    a, b, co = (Compare(c, "=", (v,)) for c, v in (("city", "A"), ("city", "B"), ("state", "CO")))
    assert query.where == Join(False, (a, Join(True, (b, co))))


def test_parentheses() -> None:
    query = parse(DEBTORS, {"$where": "(city='A' or city='B') and state='CO'"})
    assert isinstance(query.where, Join)
    assert query.where.every


@pytest.mark.parametrize(
    "text", ["fileid in ('1','2')", "fileid in('1', '2')", "FILEID IN ( 1 , 2 )", "fileid in (1,2)"]
)
def test_lists_of_ids(text: str) -> None:
    assert parse(DEBTORS, {"$where": text}).where == Compare("fileid", "in", ("1", "2"))


def test_lists_of_names_with_quotes() -> None:
    query = parse(DEBTORS, {"$where": "organizationname in ('A, B', 'IT''S')"})
    assert query.where == Compare("organizationname", "in", ("A, B", "IT'S"))


def test_upper_like() -> None:
    query = parse(DEBTORS, {"$where": "upper(organizationname) like '%LLC'"})
    assert query.where == Compare("organizationname", "like", ("%LLC",), upper=True)


def test_null_and_checkbox() -> None:
    query = parse(FILINGS, {"$where": "lapsedate is not null and continuation=true"})
    assert query.where == Join(
        True, (Compare("lapsedate", "is not null", ()), Compare("continuation", "=", (True,)))
    )


def test_order_of_several_columns() -> None:
    query = parse(FILINGS, {"$order": "filingdate DESC, fileid"})
    assert query.order == (("filingdate", True), ("fileid", False))


def test_count_with_a_name() -> None:
    assert parse(FILINGS, {"$select": "count(*) AS n"}).count == "n"
    assert parse(FILINGS, {"$select": "count(*)"}).count == "count"


def test_every_column_is_no_selection() -> None:
    assert parse(FILINGS, {"$select": ",".join(FILINGS.columns)}).select is None


def test_a_plain_parameter_is_a_filter() -> None:
    assert parse(DEBTORS, {"state": "CO"}).where == Join(True, (Compare("state", "=", ("CO",)),))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"$where": "nosuch='x'"}, "query.soql.no-such-column"),
        ({"nosuch": "x"}, "query.soql.no-such-column"),
        ({"$select": "nosuch"}, "query.soql.no-such-column"),
        ({"$order": "nosuch"}, "query.soql.no-such-column"),
        ({"$where": "nosuch in ('1')"}, "query.soql.no-such-column"),
        ({"$where": "filingdate >= 'yesterday'"}, "query.soql.type-mismatch"),
        ({"$where": "filingdate in ('1')"}, "query.soql.type-mismatch"),
        ({"$where": "continuation = 'true'"}, "query.soql.type-mismatch"),
        ({"$where": "documenttype = 5"}, "query.soql.type-mismatch"),
        ({"$where": "filingdate >="}, "query.compiler.malformed"),
        (
            {"$where": "filingdate between '2026-01-01' and '2026-02-01'"},
            "query.compiler.malformed",
        ),
        ({"$where": "(filingtype='ucc'"}, "query.compiler.malformed"),
        ({"$where": "filingtype='ucc' filingtype='efs'"}, "query.compiler.malformed"),
        ({"$where": "filingtype='ucc"}, "query.compiler.malformed"),
        ({"$where": "fileid in ()"}, "query.compiler.malformed"),
        ({"$order": "date_trunc_ym(filingdate)"}, "query.compiler.malformed"),
        ({"$select": "max(filingdate)"}, "query.compiler.malformed"),
        ({"$limit": "50001"}, "query.soql.limit"),
        ({"$limit": "many"}, "query.soql.invalid-value"),
        ({"$offset": "-1"}, "query.soql.invalid-value"),
        ({"$group": "filingtype"}, "query.soql.unsupported"),
    ],
)
def test_what_is_not_spoken(params: dict[str, str], code: str) -> None:
    with pytest.raises(SodaError) as caught:
        parse(FILINGS, params)
    assert caught.value.code == code
