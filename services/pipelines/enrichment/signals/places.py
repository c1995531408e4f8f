"""Places as filings and sources write them, and how near two of them are. Pure."""

import re
from dataclasses import dataclass
from typing import ClassVar

STATES = {
    "ALABAMA": "AL", "ALASKA": "AK", "ARIZONA": "AZ", "ARKANSAS": "AR", "CALIFORNIA": "CA",
    "COLORADO": "CO", "CONNECTICUT": "CT", "DELAWARE": "DE", "DISTRICT OF COLUMBIA": "DC",
    "FLORIDA": "FL", "GEORGIA": "GA", "HAWAII": "HI", "IDAHO": "ID", "ILLINOIS": "IL",
    "INDIANA": "IN", "IOWA": "IA", "KANSAS": "KS", "KENTUCKY": "KY", "LOUISIANA": "LA",
    "MAINE": "ME", "MARYLAND": "MD", "MASSACHUSETTS": "MA", "MICHIGAN": "MI", "MINNESOTA": "MN",
    "MISSISSIPPI": "MS", "MISSOURI": "MO", "MONTANA": "MT", "NEBRASKA": "NE", "NEVADA": "NV",
    "NEW HAMPSHIRE": "NH", "NEW JERSEY": "NJ", "NEW MEXICO": "NM", "NEW YORK": "NY",
    "NORTH CAROLINA": "NC", "NORTH DAKOTA": "ND", "OHIO": "OH", "OKLAHOMA": "OK", "OREGON": "OR",
    "PENNSYLVANIA": "PA", "PUERTO RICO": "PR", "RHODE ISLAND": "RI", "SOUTH CAROLINA": "SC",
    "SOUTH DAKOTA": "SD", "TENNESSEE": "TN", "TEXAS": "TX", "UTAH": "UT", "VERMONT": "VT",
    "VIRGINIA": "VA", "WASHINGTON": "WA", "WEST VIRGINIA": "WV", "WISCONSIN": "WI", "WYOMING": "WY",
}  # fmt: skip
STATE_NAMES = {code: name.title() for name, code in STATES.items()}
_CODES = frozenset(STATES.values())
_number = re.compile(r"^\W*(\d+)")
_words = re.compile(r"[A-Z0-9]+")
_PLAIN = frozenset(
    "N S E W NE NW SE SW NORTH SOUTH EAST WEST ST STREET AVE AVENUE RD ROAD DR DRIVE BLVD LN LANE"
    " CT COURT PL PLACE HWY HIGHWAY PKWY PARKWAY WAY UNIT STE SUITE APT".split()
)
"""Words of a street that its spellings differ in."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An address, or what is known of one; `state` has two letters and `zip` five digits."""

    STREET: ClassVar[float] = 0.98
    ZIP: ClassVar[float] = 0.9
    CITY: ClassVar[float] = 0.85
    STATE: ClassVar[float] = 0.65
    OFFICE: ClassVar[float] = 0.6

    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None

    @classmethod
    def of(
        cls,
        address: str | None = None,
        city: str | None = None,
        state: str | None = None,
        zip: str | None = None,
    ) -> "Place":
        """From texts as written; what cannot be read as a state or a ZIP code is not known."""
        code = " ".join(re.sub(r"[^A-Z]+", " ", (state or "").upper()).split())
        digits = re.match(r"\D*(\d{5})(?:\D|\d{4}$|$)", zip or "")
        return cls(
            address=" ".join((address or "").upper().split()) or None,
            city=" ".join((city or "").upper().split()) or None,
            state=code if code in _CODES else STATES.get(code),
            zip=digits[1] if digits else None,
        )

    @property
    def known(self) -> bool:
        """Whether it tells enough to compare."""
        return bool(self.state or self.zip)

    @property
    def text(self) -> str:
        """On one line."""
        return ", ".join(filter(None, (self.address, self.city, self.state, self.zip)))

    def near(self, other: "Place") -> tuple[float, str] | None:
        """(how near, why); None for another state, or where nothing speaks for the same place."""
        if self.state and other.state and self.state != other.state:
            return None
        same_zip = bool(self.zip) and self.zip == other.zip
        same_state = bool(self.state) and self.state == other.state
        same_city = same_state and bool(self.city) and self.city == other.city
        if (same_zip or same_city) and self._same_street(other):
            return self.STREET, f"its address {self.text} is that of a filing"
        if same_zip:
            return self.ZIP, f"both are in ZIP code {self.zip}"
        if same_city:
            return self.CITY, f"both are in {self.city}, {self.state}"
        return (self.STATE, f"both are in {self.state}") if same_state else None

    def _same_street(self, other: "Place") -> bool:
        """The same house number, and a word of the street in common: spellings differ."""
        mine, theirs = _street(self.address), _street(other.address)
        return bool(mine and theirs and mine[0] == theirs[0] and mine[1] & theirs[1])


def _street(address: str | None) -> tuple[str, frozenset[str]] | None:
    number = _number.match(address or "")
    if not address or not number:
        return None
    rest = frozenset(_words.findall(address[number.end() :].upper())) - _PLAIN
    return number[1], rest
