"""What must be true of a crowd's answers, and of the tables, whatever broke meanwhile."""

from collections import Counter
from collections.abc import Iterable

from tests.integration.faults.crowd import BOUND_S, BROKEN_OFF, Answer, Crowd

RIGHT = {
    "get": {200},
    "list": {200},
    "export": {200},
    "patch": {200},
    "claim": {200, 409},
    "create": {201},
}
IN_A_ROW = 100
"""So many good answers, one after the other, say that everything is well again."""


def judge(crowd: Crowd, begun: float, back: float) -> None:
    """Check all that the crowd was told; the fault lasted from `begun` to `back` (monotonic)."""
    answers = crowd.answers
    for answer in answers:
        assert allowed(answer, begun, back), str(answer)
        assert answer.seconds < BOUND_S, str(answer)
    assert well_again(crowd, back), "not everything was well again"
    claims_are_held(crowd)
    creates_happened_once(crowd)
    patches_happened_once(crowd)


def well_again(crowd: Crowd, back: float) -> bool:
    """Since `back` each kind was answered rightly, save rare exports; lately nothing else was."""
    since = [answer for answer in crowd.answers if answer.sent > back]
    well = {answer.kind for answer in since if answer.status in RIGHT[answer.kind]}
    lately = [answer.definite for answer in since[-IN_A_ROW:]]
    return well >= set(RIGHT) - {"export"} and lately == [True] * IN_A_ROW


def allowed(answer: Answer, begun: float, back: float) -> bool:
    """Right, or "come again": an export may also break off in the fault, and be seen to."""
    if answer.refused or not answer.definite:
        if answer.status == BROKEN_OFF:
            within = answer.sent < back and answer.sent + answer.seconds > begun
            return answer.kind == "export" and within
        return int(answer.headers.get("Retry-After", 0)) >= 1
    return answer.status in RIGHT[answer.kind]


def claims_are_held(crowd: Crowd) -> None:
    """Who was told so holds it, by one entry in the trail; the others were told who does."""
    definite = [a for a in crowd.answers if a.kind == "claim" and a.definite]
    targets = {answer.subject for answer in definite}
    held = {
        row["id"]: row["claimed_by"]
        for row in crowd.place.rows(
            f"SELECT id, claimed_by FROM prospects {_within('id', targets)}"
        )
    }
    assert {a.subject: a.user for a in definite if a.status == 200} == held
    assert all(answer.body["claimed_by"] == held[answer.subject] for answer in definite)
    trail = crowd.place.rows(
        "SELECT entity_id, subject FROM audit_logs"
        f" {_within('entity_id', targets)} AND action = 'claim'"
    )
    assert sorted((row["entity_id"], row["subject"]) for row in trail) == sorted(held.items())


def creates_happened_once(crowd: Crowd) -> None:
    """One prospect of a name, that of the answer; one entry in the trail, one message."""
    made = {a.subject: a.body["id"] for a in crowd.answers if a.kind == "create" and a.definite}
    rows = crowd.place.rows(
        f"SELECT id, company_name FROM prospects {_within('company_name', made)}"
    )
    assert Counter((r["company_name"], r["id"]) for r in rows) == Counter(made.items())
    trail = crowd.place.rows(
        "SELECT entity_id FROM audit_logs"
        f" {_within('entity_id', made.values())} AND action = 'create'"
    )
    assert Counter(row["entity_id"] for row in trail) == Counter(made.values())
    named = "payload->'prospect_ids'->>0"
    told = crowd.place.rows(f"SELECT {named} AS id FROM outbox {_within(named, made.values())}")
    assert Counter(row["id"] for row in told) == Counter(made.values())


def patches_happened_once(crowd: Crowd) -> None:
    """Each note was written once, in the order in which it was given; the last one stands."""
    for caller in crowd.callers:
        trail = crowd.place.rows(
            "SELECT after->>'notes' AS notes FROM audit_logs"
            f" WHERE entity_id = '{caller.own}' AND action = 'update' ORDER BY id"
        )
        assert [row["notes"] for row in trail] == caller.notes
        [row] = crowd.place.rows(f"SELECT notes FROM prospects WHERE id = '{caller.own}'")
        assert row["notes"] == (caller.notes[-1] if caller.notes else None)


def _within(column: str, values: Iterable[str]) -> str:
    return f"WHERE {column} IN ({', '.join(repr(value) for value in values)})"
