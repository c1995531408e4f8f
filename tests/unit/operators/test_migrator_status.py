"""Conditions, patches and reasons."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from migrations.report import CODES
from operators.migrator.decide import decide
from operators.migrator.remedies import REMEDIES
from operators.migrator.status import (
    BY_WISH,
    FINAL,
    READY,
    REASON_OF,
    STALLED,
    UNCOUNTED,
    WORKING,
    Reason,
    condition,
    cut,
    merge_patch,
    reason_of,
    settle,
    stamp,
)
from tests.unit.operators.looks import NOW, look, state

VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.text("xyz", max_size=5)
    | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def patched(target: Any, patch: Any) -> Any:
    """RFC 7386, as the API server applies it."""
    if not isinstance(patch, dict):
        return patch
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = patched(made.get(key), value)
    return made


@given(OBJECTS, OBJECTS)
def test_a_patch_leads_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert patched(before, merge_patch(before, after)) == after


@given(OBJECTS)
def test_nothing_to_change_is_an_empty_patch(same: dict[str, Any]) -> None:
    assert merge_patch(same, dict(same)) == {}


def test_each_reason_is_in_one_group_and_each_stall_has_a_remedy() -> None:
    groups = [READY, WORKING, BY_WISH, STALLED]
    assert sorted(r for group in groups for r in group) == sorted(Reason)
    assert set(REMEDIES) == STALLED


def test_each_code_of_the_runner_has_a_reason() -> None:
    assert set(CODES) <= set(REASON_OF)
    assert set(REASON_OF) >= FINAL | UNCOUNTED
    assert reason_of("invented_later") == Reason.INTERNAL_ERROR


def test_the_time_of_a_transition_moves_only_with_the_status() -> None:
    first = settle({}, Reason.PROGRESSING, "1", 1, NOW)
    later = NOW.replace(hour=13)
    second = settle(first, Reason.RETRYING, "2", 1, later)
    ready = condition(second, "Ready")
    assert ready and (ready["lastTransitionTime"], ready["message"]) == (stamp(NOW), "2")
    third = settle(second, Reason.APPLIED, "3", 2, later)
    ready = condition(third, "Ready")
    assert ready and (ready["lastTransitionTime"], ready["observedGeneration"]) == (stamp(later), 2)
    assert condition(third, "Reconciling") is None


def test_other_conditions_stay() -> None:
    mine = {"conditions": [{"type": "Linted", "status": "True", "lastTransitionTime": "x"}]}
    made = settle(mine, Reason.SUSPENDED, "…", 1, NOW)
    assert [c["type"] for c in made["conditions"]] == ["Ready", "Linted"]


def test_long_texts_are_cut() -> None:
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"


def test_drift_is_told_since_it_was_first_seen_and_goes() -> None:
    o = look(state=state(2), drift=["table t9 was added"])
    made = decide(o)
    assert (found := condition(made.status, "Drifted")) and found["status"] == "True"
    assert made.status["drift"] == {"since": stamp(NOW), "lines": ["table t9 was added"]}
    unknown = decide(look(status=made.status, state=state(2), drift=None))
    assert unknown.status["drift"] == made.status["drift"]
    gone = decide(look(status=made.status, state=state(2), drift=[]))
    assert "drift" not in gone.status
    assert (found := condition(gone.status, "Drifted")) and found["status"] == "False"
    off = decide(look({"drift": {"enabled": False}}, status=made.status, state=state(2)))
    assert condition(off.status, "Drifted") is None
