"""Trade names inside a name as filed: "ACME LLC DBA BOB'S GRILL" is a name and a trade name.

The split comes before the name is normalised, else the marker would become part of the key.
"""

import re

from services.pipelines.ingestion.parties.names import NOISE, words

_MARKER = re.compile(
    r"""[\s,;:(/-]* (?<![A-Z0-9])
    (?: D\s?/\s?B\s?/\s?A | D\.\s?B\.\s?A\.? | D\sB\sA | DBA
      | [AFN]\s?/\s?K\s?/\s?A | [AFN]\.\s?K\.\s?A\.? | [AFN]KA
      | T\s?/\s?A
      | (?:DOING|TRADING|OPERATING)\s(?:BUSINESS\s)?AS
      | (?:ALSO|FORMERLY|NOW|PREVIOUSLY)\sKNOWN\sAS | FORMERLY(?=\s\S) )
    (?![A-Z0-9]) [\s,;:.)/-]*""",
    re.IGNORECASE | re.VERBOSE,
)
_HINT = re.compile(r"(?i)d[ ./]?\s?b|k[ ./]?\s?a|t\s?/|\sas\b|formerly")
_LEADING = re.compile(r"(?i)^(?:D/B/A|DBA)[\s:,]+(?=\S)")
_FORMS = frozenset(word.upper() for word in NOISE)
_EDGE = " ,;:()[]-/"


def split(name: str) -> tuple[str, tuple[str, ...]]:
    """(name, trade names) of a cleaned name; the name alone where no marker stands in it.

    Markers: D/B/A, A/K/A, F/K/A, N/K/A, T/A in their spellings, "doing business as" and such.
    A leading D/B/A is dropped. Another marker at the beginning ("AKA CONSTRUCTION LLC") is part
    of the name, as is one that nothing but a form follows ("TILBEX DBA LLC").
    """
    if not _HINT.search(name):
        return name, ()
    name = _LEADING.sub("", name)
    parts = _MARKER.split(name)
    if len(parts) == 1 or not parts[0].strip(_EDGE):
        return name, ()
    first, *others = (_trim(part) for part in parts)
    if any(o and all(word in _FORMS for word in words(o)) for o in others):
        return name, ()
    return first, tuple(dict.fromkeys(o for o in others if o and o != first))


def _trim(part: str) -> str:
    """Without the signs a marker leaves behind; a closing bracket stays with its opening one."""
    part = part.strip(_EDGE)
    return part + ")" if part.count("(") > part.count(")") else part
