"""The written table of status changes: from each status to those a person may give next.

`claimed` and `unclaimed` are not given by hand: claiming and releasing set them (README, "Use
the API"). To stay in a status is no change and always allowed. Pure.
"""

from collections.abc import Mapping

from services.common.types import Status

CONTACTED, QUALIFIED, CONVERTED = Status.CONTACTED, Status.QUALIFIED, Status.CONVERTED
DEAD, ACTIVE = Status.DEAD, Status.ACTIVE

TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.UNCLAIMED: frozenset({CONTACTED, DEAD, ACTIVE}),
    Status.CLAIMED: frozenset({CONTACTED, QUALIFIED, DEAD, ACTIVE}),
    Status.CONTACTED: frozenset({QUALIFIED, CONVERTED, DEAD, ACTIVE}),
    Status.QUALIFIED: frozenset({CONTACTED, CONVERTED, DEAD, ACTIVE}),
    Status.CONVERTED: frozenset({DEAD, ACTIVE}),
    Status.DEAD: frozenset({CONTACTED, ACTIVE}),
    Status.ACTIVE: frozenset({CONTACTED, QUALIFIED, CONVERTED, DEAD}),
}
WHEN_CLAIMED: Mapping[Status, Status] = {Status.UNCLAIMED: Status.CLAIMED}
"""Status after a claim; every other one stays."""
WHEN_RELEASED: Mapping[Status, Status] = {Status.CLAIMED: Status.UNCLAIMED}
"""Status after a claim is given up; every other one stays."""


def allowed(now: Status, wanted: Status) -> bool:
    """Whether a person may change a prospect from `now` to `wanted`."""
    return now == wanted or wanted in TRANSITIONS[now]
