"""Company names as the filing offices compare them: the key that links filings to a prospect.

The steps are the standard search logic of the Model Administrative Rules for UCC Article 9
(IACA), rule 503, as adopted in 1 TAC 95.503 (Texas), 18 NCAC 05B .0503 (North Carolina) and
Tenn. Comp. R. & Regs. 1360-08-05-.04. `ucc_name_key(text)` of migration 0001 is the SQL twin
of `name_key`: change both, the twin test compares the patterns and the results.
"""

import re
import unicodedata
from functools import lru_cache

NOISE = (
    # Montana, rules.mt.gov RVID=11224 (the copy at hand ends after "na").
    "association", "assn", "business trust", "chartered", "chtd", "co", "company", "co op",
    "coop", "cooperative", "corp", "corporation", "corporations", "credit union", "cu", "fcu",
    "federal credit union", "federal savings bank", "fsb", "gp", "general partnership", "inc",
    "incorporated", "joint stock company", "joint venture", "jsc", "jv", "lc", "limited",
    "limited company", "limited liability company", "limited liability limited partnership",
    "limited partnership", "llc", "lllp", "llp", "lp", "ltd", "ltd co", "na",
    # The lists of Tennessee and Texas name these forms too.
    "assoc", "limited liability partnership", "limited liability co", "limited co", "ltee",
    "ltd liability co", "ltd liability company", "ltd partnership", "mdpa", "mdpc",
    "national association", "pa", "partnership", "pc", "pllc", "professional association",
    "professional corporation", "professional limited liability company", "reit",
    "real estate investment trust", "registered limited liability partnership", "rllp", "sa",
    "savings association", "sole proprietorship", "trust", "trustee",
    # The same abbreviations written with blanks.
    "l c", "l l c", "l l l p", "l l p", "l p", "n a", "p a", "p c", "p l l c", "r l l p", "s a",
)  # fmt: skip
"""Ending noise words: they say what form an organization has, not which one it is.

Some offices also list agency, associates, bank, charter, national bank, partners, railroad and
spa. They are kept here: they tell one business from another, and a wrong merge of two
prospects costs more than a missed one.
"""

_STATES = (
    "alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut",
    "delaware", "district of columbia", "florida", "georgia", "hawaii", "idaho", "illinois",
    "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine", "maryland", "massachusetts",
    "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska", "nevada",
    "new hampshire", "new jersey", "new mexico", "new york", "north carolina", "north dakota",
    "ohio", "oklahoma", "oregon", "pennsylvania", "puerto rico", "rhode island",
    "south carolina", "south dakota", "tennessee", "texas", "utah", "vermont", "virginia",
    "washington", "west virginia", "wisconsin", "wyoming",
)  # fmt: skip
_KINDS = (
    "accountancy", "banking", "close", "dental", "domestic", "foreign", "law", "medical",
    "municipal", "national", "nonprofit", "non profit", "not for profit", "professional",
    "public", "registered", "unincorporated",
)  # fmt: skip
_FORMS = (
    "association", "business trust", "cooperative", "corp", "corporation", "general partnership",
    "joint venture", "limited liability company", "limited liability limited partnership",
    "limited liability partnership", "limited partnership", "llc", "lllp", "llp", "lp",
    "partnership", "sole proprietorship", "statutory trust", "trust",
)  # fmt: skip
"""Forms in tails such as ", A COLORADO CORPORATION"; ", A DIVISION OF X" is part of the name."""


def _any(*words: str) -> str:
    return "(?:" + "|".join(sorted(words)).upper() + ")"


_TAIL = f"AN? (?:{_any(*_STATES, *_KINDS)} )*{_any(*_FORMS)}"
ENDING = f"(?: (?:{_TAIL}|{_any(*NOISE)}(?: 0[0-9]*)?|THE))+$"
"""What is dropped at the end, as often as it comes: forms with padding digits, "(THE)", tails.

It begins with a blank, so the first word of a name stays even where all are noise.
"""
OUTSIDE = "[^\u0001-\u024f\u0300-\u036f\u1e00-\u1eff\uff00-\uffef]"
"""Characters no accent can be taken from; in the other blocks NFKD is the same in every version."""
STROKES = ("ØøŁłĐđı", "OoLlDdi")
APOSTROPHES = "\u2019\u2018\u02bc\u00b4"

_ending = re.compile(ENDING)
_outside = re.compile(OUTSIDE)
_marks = re.compile("[\u0300-\u036f]")
_rest = re.compile("[^A-Z0-9]+")
_strokes = str.maketrans(*STROKES, APOSTROPHES)
_last_words = frozenset(w.split()[-1].upper() for w in (*NOISE, *_FORMS)) | {"THE"}
_plain: dict[int, str | None] = {
    i: None if chr(i) in ".'`" else chr(i).upper() if chr(i).isalnum() else " " for i in range(128)
}


def name_key(name: str) -> str:
    """Upper-case letters and digits that two spellings of one organization share.

    "King Rebar" and "KING REBAR, L.L.C." give "KINGREBAR". A name of noise words alone keeps
    its first; only a name without letters and digits gives "".
    """
    parts = words(name)
    if len(parts) > 1 and parts[0] == "THE":
        del parts[0]
    if len(parts) > 1 and (parts[-1] in _last_words or parts[-1][0] == "0"):
        return _ending.sub("", " ".join(parts)).replace(" ", "")
    return "".join(parts)


def words(name: str) -> list[str]:
    """Upper-case words of a name: & as AND, accents, full stops and apostrophes taken off."""
    if not name.isascii():
        name = _fold(name)
    if "&" in name:
        name = name.replace("&", " AND ")
    return name.translate(_plain).split()


def _fold(name: str) -> str:
    """ASCII only: accents taken off, other signs turned to blanks."""
    name = unicodedata.normalize("NFKD", _outside.sub(" ", name.translate(_strokes)))
    return _marks.sub("", name).encode("ascii", "replace").decode().replace("?", " ")


cached_name_key = lru_cache(maxsize=20_000)(name_key)
"""`name_key` for secured parties: a few thousand lenders make most of a register."""


def clean_name(name: str) -> str:
    """The name as filed for display: blanks and line breaks squeezed, outer quotes taken off."""
    name = " ".join(name.replace("\0", " ").split())
    while len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].replace('""', '"').strip()
    return name
