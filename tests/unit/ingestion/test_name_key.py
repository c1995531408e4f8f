"""Names of organizations: what filing offices see as the same name has the same key."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.pipelines.ingestion.parties import names
from services.pipelines.ingestion.parties.names import clean_name, name_key

UP = Path(__file__).parents[3] / "migrations" / "sql" / "0001_names.up.sql"
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
WORDS = st.lists(
    st.sampled_from(
        ["The", "King", "Rebar", "LLC", "Inc", "Co", "and", "&", "0", "00", "A", "Corporation",
         "Trust", "L", "C", "Café", "Colorado", "Bank", "42"]
    ),
    min_size=1,
    max_size=8,
)  # fmt: skip


@pytest.mark.parametrize(
    ("filed", "key"),
    [
        ("King Rebar", "KINGREBAR"),
        ("King Rebar LLC", "KINGREBAR"),
        ("KING REBAR, L.L.C.", "KINGREBAR"),
        ("King  Rebar\nL. L. C.", "KINGREBAR"),
        ("KIRKLAND CONSTRUCTION, R.L.L.P.", "KIRKLANDCONSTRUCTION"),
        ("MILE HI BACKHOE SERVICE, ,INC", "MILEHIBACKHOESERVICE"),
        ("NUTRIPLEDGE,LLC", "NUTRIPLEDGE"),
        ("CONCRETE SUPPLIESS INC , A CORPORATION", "CONCRETESUPPLIESS"),
        ("SMITH BROTHERS, A COLORADO LIMITED LIABILITY COMPANY", "SMITHBROTHERS"),
        ("ABC DENTAL, A PROFESSIONAL DENTAL CORPORATION", "ABCDENTAL"),
        ("SHEFFIELD, A DIVISION OF TRUIST BANK", "SHEFFIELDADIVISIONOFTRUISTBANK"),
        ("ATK G5 GLOBAL, LLC           00", "ATKG5GLOBAL"),
        ("ACME FUND LLC 2", "ACMEFUNDLLC2"),
        ("CIT GROUP/EQUIPMENT FINANCING, INC. (THE)", "CITGROUPEQUIPMENTFINANCING"),
        ("The Torvale Group LLC", "TORVALEGROUP"),
        ('"WHITE\'S EXCAVATION OF COLORADO, INCORPORATED"', "WHITESEXCAVATIONOFCOLORADO"),
        ("D & E EXCAVATING", "DANDEEXCAVATING"),
        ("D and E Excavating", "DANDEEXCAVATING"),
        ("TRI-STATE TRANSMISSION ASSOCIATION, INC.", "TRISTATETRANSMISSION"),
        ("CITY OF COLORADO SPRINGS / STREET DIVISION", "CITYOFCOLORADOSPRINGSSTREETDIVISION"),
        ("CITY OF COLO SPRINGS/STREET DIVISION", "CITYOFCOLOSPRINGSSTREETDIVISION"),
        ("JPMORGAN CHASE BANK, N.A.", "JPMORGANCHASEBANK"),
        ("JD RITTER CONSTRUCTION CO., LLC", "JDRITTERCONSTRUCTION"),
        ("Café Łódź GmbH", "CAFELODZGMBH"),
        ("ＡＣＭＥ Ｉｎｃ", "ACME"),
        ("O’Brien’s Pub", "OBRIENSPUB"),
        ("TW Automation, LC", "TWAUTOMATION"),
        ("King Rebar Partners LLC", "KINGREBARPARTNERS"),
    ],
)  # fmt: skip
def test_key(filed: str, key: str) -> None:
    assert name_key(filed) == key


@pytest.mark.parametrize(
    ("filed", "key"),
    [("The Company", "COMPANY"), ("INC LLC", "INC"), ("LLC", "LLC"), ("The", "THE"),
     ("The The", "THE"), ("Co., Inc. (The)", "CO"), ("", ""), (" ., ", ""), ("00", "00")],
)  # fmt: skip
def test_name_of_noise_words_keeps_its_first(filed: str, key: str) -> None:
    assert name_key(filed) == key


@given(ANYTHING)
def test_key_is_letters_and_digits(name: str) -> None:
    assert re.fullmatch("[A-Z0-9]*", name_key(name))


@given(st.one_of(ANYTHING, WORDS.map(" ".join)))
def test_key_of_a_key_is_the_key(name: str) -> None:
    assert name_key(name_key(name)) == name_key(name)


@given(WORDS, st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_makes_no_difference(words: list[str], change: Callable[[str], str]) -> None:
    assert name_key(" ".join(map(change, words))) == name_key(" ".join(words))


@given(
    WORDS, st.lists(st.sampled_from([" ", "  ", ", ", " , ", "\n", " - ", "/", ' "']), min_size=8)
)
def test_blanks_and_punctuation_make_no_difference(words: list[str], gaps: list[str]) -> None:
    spread = "".join(word + gap for word, gap in zip(words, gaps, strict=False))
    assert name_key(spread) == name_key(" ".join(words))


@given(WORDS.filter(lambda words: words[0] != "The"))
def test_leading_the_makes_no_difference(words: list[str]) -> None:
    name = " ".join(words)
    assert name_key("The " + name) == name_key(name)


@pytest.mark.parametrize(
    ("filed", "shown"),
    [("  WEXCOMBE\nLOGISTICS\r\n, LLC ", "WEXCOMBE LOGISTICS , LLC"),
     ('"ACME ""BEST"" CO"', 'ACME "BEST" CO'), ('BUD "B" SMITH', 'BUD "B" SMITH'),
     ("A\x00B", "A B"), ('""', "")],
)  # fmt: skip
def test_clean_name_is_fit_to_show(filed: str, shown: str) -> None:
    assert clean_name(filed) == shown


def test_sql_twin_holds_the_same_patterns() -> None:
    sql = UP.read_text()
    outside = re.sub("[^ -~]", lambda c: f"\\u{ord(c[0]):04x}", names.OUTSIDE)
    assert f"'{names.ENDING}'" in sql
    assert f"'{outside}'" in sql


def test_sql_twin_takes_off_the_same_strokes() -> None:
    found = re.search(r"U&'([^']*)', '(\w+)'", UP.read_text())
    assert found
    assert found[1] == "".join(f"\\{ord(c):04x}" for c in names.STROKES[0] + names.APOSTROPHES)
    assert found[2] == names.STROKES[1]
