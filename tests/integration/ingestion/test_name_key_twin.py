"""`ucc_name_key` of the database and `name_key` of the pipeline agree on every name."""

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.common.db import Database
from services.common.sql import Query
from services.pipelines.ingestion.parties import names
from services.pipelines.ingestion.parties.names import name_key
from services.sample_register import dirt_rows

KEYS = Query("test_name_keys", "SELECT n, ucc_name_key(n) AS key FROM unnest($1::text[]) AS n")
ODD = [
    "the",
    "(THE)",
    ", A ",
    "&",
    "0",
    "00",
    "Café",
    "ß",
    "Ø",
    "’",
    "½",
    "ＬＬＣ",
    "\n",
    "\u00a0",
    "Ⅷ",
]
WORDS = [*names.NOISE, *names._STATES, *names._KINDS, *names._FORMS, "King", "Rebar", *ODD]


async def differing(db: Database, filed: list[str]) -> list[tuple[Any, ...]]:
    rows = await db.fetch(KEYS, filed)
    return [(row["n"], row["key"]) for row in rows if row["key"] != name_key(row["n"])]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=50
    )
)
async def test_any_text_has_the_same_key(db: Database, filed: list[str]) -> None:
    assert await differing(db, filed) == []


async def test_every_character_is_treated_alike(db: Database) -> None:
    letters = [chr(i) for i in range(1, 0x20000) if not 0xD800 <= i < 0xE000]
    assert await differing(db, [f"a{c}b{c} llc" for c in letters]) == []


async def test_every_mixture_of_endings_has_the_same_key(db: Database) -> None:
    rng = random.Random(503)
    gaps = (" ", ", ", "", " . ")
    filed = [
        rng.choice(gaps).join(rng.choices(WORDS, k=rng.randrange(1, 9))) for _ in range(10_000)
    ]
    assert await differing(db, filed) == []


async def test_names_as_registers_hold_them_have_the_same_key(db: Database) -> None:
    parties = [
        party for filing in dirt_rows.FILINGS for part in filing[1:3] for party in part.split(" + ")
    ]
    assert await differing(db, [party.split("|")[0] for party in parties]) == []
