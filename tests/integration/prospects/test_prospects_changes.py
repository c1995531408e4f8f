"""Create, patch, delete, contact and history on a real database."""

import asyncio
from typing import Any

import pytest

from services.common.types import Role, Status
from services.prospects.models import Prospect, ProspectRow
from services.prospects.transitions import TRANSITIONS
from tests.integration.prospects.support import Desk

NEW = {"company_name": "Blue Cafe, LLC", "state": "co", "industry": "retail"}
BY_CONTACT = ("contacted", "qualified", "converted", "dead", "active")


async def test_a_new_prospect_is_shown_and_found_at_its_address(desk: Desk) -> None:
    given = NEW | {"lien_amount": 1200.5, "filing_date": "2026-09-01T10:00:00Z"}
    made = await desk.call("POST", "", given)
    assert made.status == 201
    Prospect.model_validate(made.body, strict=False)
    assert (made.body["state"], made.body["lien_amount"]) == ("CO", 1200.5)
    assert (made.body["filing_date"], made.body["status"]) == ("2026-09-01", "unclaimed")
    address = made.headers["Location"]
    assert address == f"/api/prospects/{made.body['id']}"
    found = await desk.call("GET", address.removeprefix("/api/prospects"))
    assert (found.body, found.headers["ETag"]) == (made.body, made.headers["ETag"])


async def test_a_new_prospect_is_announced_to_the_pipelines(desk: Desk) -> None:
    made = await desk.make()
    assert desk.database.psql("SELECT topic, payload ->> 'prospect_ids' FROM outbox") == (
        f'prospects.changed|["{made}"]'
    )
    assert desk.database.psql("SELECT facts_rev > scored_rev FROM prospect_work") == "t"


async def test_the_same_normalised_name_and_state_is_a_conflict(desk: Desk) -> None:
    made = await desk.make("Blue Cafe, LLC")
    again = await desk.call("POST", "", NEW | {"company_name": "THE BLUE CAFE INC."})
    assert (again.status, again.body["existing_id"]) == (409, made)
    assert (await desk.call("POST", "", NEW | {"state": "CT"})).status == 201


async def test_a_debtor_of_a_register_is_a_conflict_too(desk: Desk) -> None:
    met = desk.debtor(1)
    again = await desk.call("POST", "", NEW | {"company_name": "debtor 1 corp"})
    assert (again.status, again.body["existing_id"]) == (409, met)


async def test_of_many_that_make_the_same_one_succeeds(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.call("POST", "", NEW) for _ in range(12)))
    assert sorted(a.status for a in answers) == [201, *[409] * 11]
    made = next(a.body["id"] for a in answers if a.status == 201)
    assert {a.body["existing_id"] for a in answers if a.status == 409} == {made}


async def test_names_of_punctuation_are_told_apart(desk: Desk) -> None:
    assert await desk.make("!!!") != await desk.make("???")
    assert (await desk.call("POST", "", NEW | {"company_name": "!!!"})).status == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"company_name": ""}, "/body/company_name"),
        ({"company_name": " "}, "/body/company_name"),
        ({"company_name": 1}, "/body/company_name"),
        ({"state": "ZZ"}, "/body/state"),
        ({"industry": "banking"}, "/body/industry"),
        ({"lien_amount": 0}, "/body/lien_amount"),
        ({"lien_amount": -1}, "/body/lien_amount"),
        ({"lien_amount": 1e15}, "/body/lien_amount"),
        ({"filing_date": "2026-09-01"}, "/body/filing_date"),
        ({"filing_date": "yesterday"}, "/body/filing_date"),
        ({"priority_score": 100}, "/body/priority_score"),
    ],
)
async def test_what_a_new_prospect_may_not_say(
    desk: Desk, change: dict[str, Any], pointer: str
) -> None:
    refused = await desk.call("POST", "", NEW | change)
    assert (refused.status, refused.pointers) == (400, [pointer])


async def test_missing_fields_are_all_named(desk: Desk) -> None:
    refused = await desk.call("POST", "", {})
    assert refused.pointers == ["/body/company_name", "/body/state", "/body/industry"]


async def test_a_patch_answers_the_row_with_a_new_tag(desk: Desk) -> None:
    made = await desk.make()
    before = await desk.call("GET", f"/{made}")
    patched = await desk.call("PATCH", f"/{made}", {"notes": "call back", "industry": "retail"})
    assert patched.status == 200
    assert set(patched.body) == set(ProspectRow.model_fields)
    assert (patched.body["notes"], patched.body["version"]) == ("call back", 2)
    assert patched.headers["ETag"] != before.headers["ETag"]
    after = await desk.call("GET", f"/{made}")
    assert after.headers["ETag"] == patched.headers["ETag"]


async def test_a_correction_stands_before_what_was_filed(desk: Desk) -> None:
    met = desk.debtor(1, industry="retail", industry_confidence="0.9")
    patched = await desk.call(
        "PATCH", f"/{met}", {"company_name": "Right Name", "industry": "technology"}
    )
    assert (patched.body["company_name"], patched.body["industry"]) == ("Right Name", "technology")
    assert desk.database.psql("SELECT company_name, industry FROM prospects") == (
        "Debtor 1 LLC|retail"
    )
    withdrawn = await desk.call("PATCH", f"/{met}", {"corrected_name": None, "industry": None})
    assert (withdrawn.body["company_name"], withdrawn.body["industry"]) == (
        "Debtor 1 LLC",
        "retail",
    )


async def test_if_match_guards_a_patch(desk: Desk) -> None:
    made = await desk.make()
    tag = (await desk.call("GET", f"/{made}")).headers["ETag"]
    first = await desk.call("PATCH", f"/{made}", {"notes": "1"}, If_Match=tag)
    second = await desk.call("PATCH", f"/{made}", {"notes": "2"}, If_Match=tag)
    assert (first.status, second.status) == (200, 412)
    assert second.body["version"] == 2
    third = await desk.call("PATCH", f"/{made}", {"notes": "3"}, If_Match=first.headers["ETag"])
    assert (third.status, third.body["notes"]) == (200, "3")


async def test_of_many_patches_of_one_version_one_succeeds(desk: Desk) -> None:
    made = await desk.make()
    tag = (await desk.call("GET", f"/{made}")).headers["ETag"]
    answers = await asyncio.gather(
        *(desk.call("PATCH", f"/{made}", {"notes": f"{n}"}, If_Match=tag) for n in range(12))
    )
    assert sorted(a.status for a in answers) == [200, *[412] * 11]


async def test_a_patch_that_changes_nothing_writes_nothing(desk: Desk) -> None:
    made = await desk.make()
    patched = await desk.call("PATCH", f"/{made}", {"company_name": "Blue Cafe LLC"})
    assert (patched.status, patched.body["version"]) == (200, 1)
    assert [change["action"] for change in await desk.history(made)] == ["create"]


async def test_a_rename_into_a_name_that_is_taken_is_a_conflict(desk: Desk) -> None:
    first, second = await desk.make("First LLC"), await desk.make("Second LLC")
    taken = await desk.call("PATCH", f"/{second}", {"company_name": "FIRST"})
    assert (taken.status, taken.body["existing_id"]) == (409, first)
    assert (await desk.call("PATCH", f"/{second}", {"company_name": "Third"})).status == 200
    assert (await desk.call("POST", "", NEW | {"company_name": "Second"})).status == 201


async def test_a_known_tag_is_answered_by_304(desk: Desk) -> None:
    made = await desk.make()
    tag = (await desk.call("GET", f"/{made}")).headers["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        answer = await desk.call("GET", f"/{made}", If_None_Match=known)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, None, tag)
    assert (await desk.call("GET", f"/{made}", If_None_Match='"other"')).status == 200


@pytest.mark.parametrize("table", ["facts_rev = facts_rev + 1", "scored_as_of = '2026-09-02'"])
async def test_the_tag_changes_with_facts_and_scores(desk: Desk, table: str) -> None:
    made = await desk.make()
    tag = (await desk.call("GET", f"/{made}")).headers["ETag"]
    desk.database.psql(f"UPDATE prospect_work SET {table}")
    assert (await desk.call("GET", f"/{made}", If_None_Match=tag)).status == 200


async def test_delete_leaves_a_tombstone_and_the_history(desk: Desk) -> None:
    met = desk.debtor(1)
    assert (await desk.call("DELETE", f"/{met}", role=Role.ADMIN, user="eve")).status == 204
    assert (await desk.call("GET", f"/{met}")).status == 404
    assert desk.database.psql("SELECT debtor_key, deleted_by FROM tombstones") == "CO:DEBTOR1|eve"
    assert [(c["action"], c["subject"], c["after"]) for c in await desk.history(met)] == [
        ("delete", "eve", None)
    ]
    assert (await desk.call("DELETE", f"/{met}")).status == 404


async def test_made_again_by_hand_the_tombstone_goes(desk: Desk) -> None:
    made = await desk.make("Blue Cafe LLC")
    await desk.call("DELETE", f"/{made}")
    assert desk.database.psql("SELECT debtor_key FROM tombstones") == "CO:BLUECAFE"
    await desk.make("Blue Cafe LLC")
    assert desk.database.psql("SELECT count(*) FROM tombstones") == "0"


async def test_delete_heeds_if_match_and_the_holder(desk: Desk) -> None:
    made = await desk.make()
    assert (await desk.call("DELETE", f"/{made}", If_Match='"v9"')).status == 412
    await desk.call("POST", f"/{made}/claim", user="bob")
    assert (await desk.call("DELETE", f"/{made}", user="ann")).status == 409
    assert (await desk.call("DELETE", f"/{made}", user="bob")).status == 204


async def test_history_has_who_what_before_and_after(desk: Desk) -> None:
    made = await desk.make()
    await desk.call("POST", f"/{made}/claim", user="bob", X_Request_Id="r-1")
    await desk.call(
        "POST", f"/{made}/contact", {"status": "contacted", "note": "liked it"}, user="bob"
    )
    create, claim, contact = await desk.history(made)
    assert (create["action"], create["subject"], create["before"]) == ("create", "ann", None)
    assert (claim["action"], claim["subject"], claim["request_id"]) == ("claim", "bob", "r-1")
    assert claim["before"] == {"status": "unclaimed", "claimed_by": None, "claimed_at": None}
    assert (claim["after"]["status"], claim["after"]["claimed_by"]) == ("claimed", "bob")
    assert contact["after"] == {"status": "contacted", "notes": "liked it", "note": "liked it"}


async def test_history_comes_in_parts(desk: Desk) -> None:
    made = await desk.make()
    for number in range(4):
        await desk.call("PATCH", f"/{made}", {"notes": f"{number}"})
    first = (await desk.call("GET", f"/{made}/history?limit=3")).body
    rest = (await desk.call("GET", f"/{made}/history?limit=3&before={first['next']}")).body
    seen = [change["id"] for change in (*first["history"], *rest["history"])]
    assert (len(seen), rest["next"]) == (5, None)
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("now", list(Status))
async def test_a_contact_follows_the_table(desk: Desk, now: Status) -> None:
    for number, wanted in enumerate(BY_CONTACT, 1):
        met = desk.debtor(number, status=now)
        answer = await desk.call("POST", f"/{met}/contact", {"status": wanted})
        if wanted == now or wanted in TRANSITIONS[now]:
            assert (answer.status, answer.body["status"]) == (200, wanted)
        else:
            assert (answer.status, answer.pointers) == (409, ["/body/status"])


@pytest.mark.parametrize("wanted", ["claimed", "unclaimed"])
async def test_claiming_is_not_done_by_a_status(desk: Desk, wanted: str) -> None:
    met = desk.debtor(1, status="contacted")
    assert (await desk.call("PATCH", f"/{met}", {"status": wanted})).status == 409
    assert (await desk.call("POST", f"/{met}/contact", {"status": wanted})).status == 400


async def test_a_contact_is_for_the_holder_or_an_admin(desk: Desk) -> None:
    made = await desk.make()
    await desk.call("POST", f"/{made}/claim", user="bob")
    other = await desk.call("POST", f"/{made}/contact", {"note": "mine"}, user="ann")
    assert (other.status, other.body["claimed_by"]) == (409, "bob")
    admin = await desk.call("POST", f"/{made}/contact", {"note": "mine"}, role=Role.ADMIN)
    assert (admin.status, admin.body["notes"]) == (200, "mine")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/history", None),
        ("PATCH", "", {}),
        ("DELETE", "", None),
        ("POST", "/claim", None),
        ("POST", "/unclaim", None),
        ("POST", "/contact", {}),
    ],
)
async def test_an_unknown_id_is_not_found(desk: Desk, method: str, path: str, body: object) -> None:
    nobody = "ffffffff-0000-4000-8000-000000000000"
    assert (await desk.call(method, f"/{nobody}{path}", body)).status == 404
