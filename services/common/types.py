"""Closed vocabularies shared by the schema's CHECKs, the pipelines and the HTTP models."""

from enum import StrEnum
from typing import Literal, get_args

State = Literal[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN",
    "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV",
    "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN",
    "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC", "AS", "GU", "MP", "PR", "VI",
]  # fmt: skip
"""USPS code of a state, the District of Columbia or an inhabited territory."""

STATES: frozenset[str] = frozenset(get_args(State))


class Industry(StrEnum):
    """Line of business of a prospect."""

    RESTAURANT = "restaurant"
    RETAIL = "retail"
    CONSTRUCTION = "construction"
    HEALTHCARE = "healthcare"
    MANUFACTURING = "manufacturing"
    SERVICES = "services"
    TECHNOLOGY = "technology"


class Status(StrEnum):
    """Where a prospect stands in the sales pipeline (not the same as who claimed it)."""

    UNCLAIMED = "unclaimed"
    CLAIMED = "claimed"
    CONTACTED = "contacted"
    QUALIFIED = "qualified"
    CONVERTED = "converted"
    DEAD = "dead"
    ACTIVE = "active"


class Role(StrEnum):
    """What a caller may do: the `role` claim of a token."""

    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"
    SERVICE = "service"
