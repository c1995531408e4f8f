"""Trade names inside names, in the spellings filers use."""

import pytest

from services.pipelines.ingestion.parties.trade import split


@pytest.mark.parametrize(
    ("name", "first", "others"),
    [
        ("ACME LLC DBA BOB'S GRILL", "ACME LLC", ("BOB'S GRILL",)),
        ("ACME, LLC D/B/A BOB'S GRILL", "ACME, LLC", ("BOB'S GRILL",)),
        ("ACME LLC (dba Bob's Grill)", "ACME LLC", ("Bob's Grill",)),
        ("ACME INC. D.B.A. X CO., A/K/A Y", "ACME INC.", ("X CO.", "Y")),
        ("SAARTHI LLC, D B A INN AT WECOMA", "SAARTHI LLC", ("INN AT WECOMA",)),
        ("X CORP T/A Y", "X CORP", ("Y",)),
        ("SMITH CO DOING BUSINESS AS JONES (WEST)", "SMITH CO", ("JONES (WEST)",)),
        (
            "LIMITLESS LIFESTYLES FKA TAN REPUBLIC NAMPA",
            "LIMITLESS LIFESTYLES",
            ("TAN REPUBLIC NAMPA",),
        ),
        ("FOO, INC. FORMERLY KNOWN AS BAR INC", "FOO, INC.", ("BAR INC",)),
        ("FOO DBA FOO", "FOO", ()),
        ("FOO DBA", "FOO", ()),
        ("DBA FOO LLC", "FOO LLC", ()),
    ],
)
def test_split(name: str, first: str, others: tuple[str, ...]) -> None:
    assert split(name) == (first, others)


@pytest.mark.parametrize(
    "name",
    [
        "KING REBAR LLC",
        "AKA CONSTRUCTION LLC",
        "NAKA INC",
        "TILBEX DBA LLC",
        "DB AMERICA LLC",
        "ST. A. MARKET",
        "d/b/a",
        "",
        "JOHN T.A. SMITH FARMS",
    ],
)
def test_name_without_trade_name_stays_whole(name: str) -> None:
    assert split(name) == (name, ())
