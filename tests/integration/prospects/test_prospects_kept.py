"""What is kept of a prospect that was shown, in PostgreSQL and at hand, is never shown stale."""

import asyncio

from services.common.types import Role
from tests.integration.prospects.support import Answer, Desk

SIGNAL = (
    "INSERT INTO growth_signals (prospect_id, type, source, source_key, title) "
    "VALUES ('{id}', 'permit', 'test', '1', 'A permit');"
)


async def _shown(desk: Desk, prospect_id: str, **headers: str) -> Answer:
    return await desk.call("GET", f"/{prospect_id}", role=Role.VIEWER, **headers)


async def test_a_prospect_shown_again_is_the_same(desk: Desk) -> None:
    made = desk.debtor()
    first, again = [await _shown(desk, made) for _ in range(2)]
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_a_story_is_kept_with_its_revisions(desk: Desk) -> None:
    made = desk.debtor()
    await _shown(desk, made)
    kept = desk.database.psql("SELECT prospect_id, facts_rev, scored_rev FROM prospect_stories")
    assert kept == f"{made}|1|0"


async def test_new_facts_are_told_at_the_next_reading(desk: Desk) -> None:
    made = desk.debtor()
    await _shown(desk, made)
    desk.database.psql(
        SIGNAL.format(id=made) + "UPDATE prospect_work SET facts_rev = facts_rev + 1"
    )
    body = (await _shown(desk, made)).body
    assert [signal["title"] for signal in body["signals"]] == ["A permit"]
    assert desk.database.psql("SELECT facts_rev FROM prospect_stories") == "2"


async def test_a_kept_story_is_used_while_its_revisions_hold(desk: Desk) -> None:
    made = desk.debtor()
    await _shown(desk, made)
    changed = """UPDATE prospect_stories SET filings = '[{"kept": true}]'"""
    desk.database.psql(f"{changed}; UPDATE prospects SET version = version + 1")
    assert (await _shown(desk, made)).body["filings"] == [{"kept": True}]


async def test_what_another_process_wrote_is_shown_at_once(desk: Desk) -> None:
    made = desk.debtor()
    await _shown(desk, made)
    desk.database.psql("UPDATE prospects SET notes = 'called', version = version + 1")
    assert (await _shown(desk, made)).body["notes"] == "called"


async def test_the_tag_of_a_copy_at_hand_still_answers_304(desk: Desk) -> None:
    made = desk.debtor()
    tag = (await _shown(desk, made)).headers["ETag"]
    again = await _shown(desk, made, If_None_Match=tag)
    assert (again.status, again.headers["ETag"]) == (304, tag)


async def test_a_deleted_prospect_is_not_shown_from_the_copy(desk: Desk) -> None:
    made = desk.debtor()
    await _shown(desk, made)
    assert (await desk.call("DELETE", f"/{made}")).status == 204
    assert (await _shown(desk, made)).status == 404
    assert desk.database.psql("SELECT count(*) FROM prospect_stories") == "0"


async def test_simultaneous_first_readings_keep_one_story(desk: Desk) -> None:
    made = desk.debtor()
    answers = await asyncio.gather(*(_shown(desk, made) for _ in range(12)))
    assert {answer.status for answer in answers} == {200}
    assert desk.database.psql("SELECT count(*) FROM prospect_stories") == "1"


async def test_the_tag_alone_is_that_of_the_whole(desk: Desk) -> None:
    made = desk.debtor()
    shown = await _shown(desk, made)
    assert f'"{desk.database.psql(f"SELECT prospect_tag({made!r})")}"' == shown.headers["ETag"]


async def test_changes_of_many_at_once_are_all_kept(desk: Desk) -> None:
    made = await desk.make()
    notes = [{"status": "contacted", "note": f"call {n}"} for n in range(12)]
    answers = await asyncio.gather(*(desk.call("POST", f"/{made}/contact", note) for note in notes))
    assert {answer.status for answer in answers} == {200}
    kept = (await _shown(desk, made)).body["notes"].splitlines()
    assert sorted(kept) == sorted(note["note"] for note in notes)
    assert len(await desk.history(made)) == 13
