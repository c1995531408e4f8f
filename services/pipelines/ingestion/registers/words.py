"""What the offices' own words for documents and liens mean in our closed lists.

Colorado knows 43 document types and Connecticut 31 filing types; they are told by the words in
them, not by a list, so that a new spelling of a known thing is not lost.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from services.pipelines.ingestion.records import FilingType, Kind

_AMENDMENTS: tuple[tuple[Kind, str], ...] = (
    ("correction", r"erroneous|correct|revoc|reinstat"),
    ("collateral_change", r"partial[\w ]*(?:releas|terminat)|(?:releas|terminat)\w*[- ]+partial"),
    ("collateral_change", r"release of (?:collateral|property)|discharge"),
    ("termination", r"terminat|releas|satisf|withdraw|cancel|expung"),
    ("continuation", r"continu|refil|renew|extens"),
    ("partial_assignment", r"part\w*[- ]+assign|assign\w*[- ]+\(?part"),
    ("assignment", r"assign|\basgmt\b"),
    ("information", r"information"),
    ("collateral_change", r"collateral|restat"),
    ("party_change", r"debtor|secured|\bpart(?:y|ies)\b|name|address"),
)
_LIENS: tuple[tuple[FilingType, str], ...] = (
    ("federal_tax_lien", r"\birs\b|lien_irs|lien_fed|federal|internal revenue"),
    ("hospital_lien", r"hosp"),
    ("farm_product", r"\befs\b|effective financ|farm prod|agricultural prod"),
    ("judgment_lien", r"judg"),
    ("other_lien", r"child|agist|vessel|aircraft|mechanic|attachment"),
    ("state_tax_lien", r"tax|revenue|\bdor\b|\bdrs\b|department of labor|employment|\bdol\b"),
    ("ucc", r"\bucc\b|\bofs\b|fin\w* (?:stmt|statement)"),
)


@lru_cache(maxsize=1024)
def amendment_kind(document: str) -> Kind | None:
    """Kind of an amendment by the office's words, None where they only say "amendment"."""
    low = document.lower()
    return next((kind for kind, pattern in _AMENDMENTS if re.search(pattern, low)), None)


def filing_type(*told: str | None, secured_kinds: Iterable[str | None] = ()) -> FilingType | None:
    """Type of a lien by the office's words, the most telling first, then by who holds it.

    A lien of a tax authority is a tax lien where the office has no word for it; None where
    nothing is told.
    """
    for words in told:
        if found := _lien(words or ""):
            return found
    return "state_tax_lien" if "tax" in secured_kinds else None


@lru_cache(maxsize=1024)
def _lien(words: str) -> FilingType | None:
    low = words.lower()
    return next((lien for lien, pattern in _LIENS if re.search(pattern, low)), None)
