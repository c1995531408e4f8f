"""What a patch makes of a prospect, and which versions If-Match lets through."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from services.common.errors import Conflict, PreconditionFailed, ValidationFailed
from services.common.types import Status
from services.prospects.changes import check_version, patched
from services.prospects.forms import NewProspect, ProspectPatch
from services.prospects.ledger import Held, Kept

KEPT = Kept("As Filed", None, "CO", None, Status.CLAIMED, None, None, None, None, None)
FILED = Held(UUID(int=1), 3, False, datetime(2026, 9, 1, tzinfo=UTC), KEPT)
BY_HAND = replace(FILED, by_hand=True)


def _patch(json: str) -> ProspectPatch:
    return ProspectPatch.model_validate_json(json, strict=True)


@pytest.mark.parametrize(
    ("json", "changed"),
    [
        ("{}", {}),
        ('{"company_name": "New"}', {"corrected_name": "New"}),
        ('{"corrected_name": "New"}', {"corrected_name": "New"}),
        ('{"industry": "retail"}', {"corrected_industry": "retail"}),
        ('{"notes": "call"}', {"notes": "call"}),
        ('{"status": "contacted"}', {"status": Status.CONTACTED}),
        ('{"status": "claimed"}', {}),
        ('{"lien_amount": 10.005}', {"lien_amount": Decimal("10.01")}),
        ('{"lien_amount": 0.001}', {"lien_amount": Decimal("0.01")}),
    ],
)
def test_fields_of_a_register_s_debtor(json: str, changed: dict[str, object]) -> None:
    assert patched(FILED, _patch(json)) == replace(KEPT, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("json", "changed"),
    [
        ('{"company_name": "New"}', {"company_name": "New"}),
        ('{"state": "ct"}', {"state": "CT"}),
        ('{"filing_date": "2026-01-02T23:30:00-08:00"}', {"filing_date": date(2026, 1, 2)}),
    ],
)
def test_fields_of_a_prospect_made_by_hand(json: str, changed: dict[str, object]) -> None:
    assert patched(BY_HAND, _patch(json)) == replace(KEPT, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("json", ['{"state": "CT"}', '{"filing_date": null}'])
def test_what_the_register_says_is_not_changed(json: str) -> None:
    with pytest.raises(Conflict):
        patched(FILED, _patch(json))


def test_null_withdraws_what_a_person_wrote() -> None:
    full = replace(KEPT, corrected_name="x", corrected_industry="retail", notes="y")
    given = _patch('{"corrected_name": null, "industry": null, "notes": null}')
    assert patched(replace(FILED, kept=full), given) == KEPT


@pytest.mark.parametrize(
    ("json", "pointer"),
    [
        ('{"company_name": null}', "/body/company_name"),
        ('{"status": null}', "/body/status"),
        ('{"company_name": "a", "corrected_name": "b"}', "/body/corrected_name"),
    ],
)
def test_what_makes_no_sense_is_named(json: str, pointer: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        patched(FILED, _patch(json))
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize(
    "match", [None, "*", '"v3.1.1.9"', '"v3.9.9."', '"v2.1.1.9", "v3.1.1.9"', '"v3"']
)
def test_the_present_version_matches(match: str | None) -> None:
    check_version(FILED, match)


@pytest.mark.parametrize("match", ['"v2.1.1.9"', '"v33.1.1.9"', 'W/"v3.1.1.9"', "", "garbage"])
def test_another_version_does_not(match: str) -> None:
    with pytest.raises(PreconditionFailed):
        check_version(FILED, match)


@pytest.mark.parametrize(
    "json",
    [
        '{"company_name": "", "state": "CO", "industry": "retail"}',
        '{"company_name": "  ", "state": "CO", "industry": "retail"}',
        '{"company_name": "a", "state": "ZZ", "industry": "retail"}',
        '{"company_name": "a", "state": "CO"}',
        '{"company_name": "a", "state": "CO", "industry": "banking"}',
        '{"company_name": "a", "state": "CO", "industry": "retail", "lien_amount": 0}',
        '{"company_name": "a", "state": "CO", "industry": "retail", "filing_date": "2026-01-01"}',
        '{"company_name": "a", "state": "CO", "industry": "retail", "claimed_by": "me"}',
    ],
)
def test_a_new_prospect_that_is_none_is_refused(json: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        NewProspect.model_validate_json(json, strict=True)
