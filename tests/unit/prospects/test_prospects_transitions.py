"""The table of status changes, cell by cell."""

from itertools import product

import pytest

from services.common.types import Status
from services.prospects.transitions import TRANSITIONS, WHEN_CLAIMED, WHEN_RELEASED, allowed

# from \ to: unclaimed claimed contacted qualified converted dead active
TABLE = """
unclaimed  = - x - - x x
claimed    - = x x - x x
contacted  - - = x x x x
qualified  - - x = x x x
converted  - - - - = x x
dead       - - x - - = x
active     - - x x x x =
"""
ROWS = {row.split()[0]: row.split()[1:] for row in TABLE.strip().splitlines()}


@pytest.mark.parametrize(("now", "wanted"), [*product(Status, Status)])
def test_every_cell(now: Status, wanted: Status) -> None:
    assert allowed(now, wanted) == (ROWS[now][list(Status).index(wanted)] in "x=")


def test_every_status_has_a_row() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_only_claiming_and_releasing_touch_the_two_statuses_of_a_claim() -> None:
    assert WHEN_CLAIMED == {Status.UNCLAIMED: Status.CLAIMED}
    assert WHEN_RELEASED == {Status.CLAIMED: Status.UNCLAIMED}
