"""Answers of the outside sources in their recorded shapes, about one business of a test."""

from typing import Any

FIRM = "KING REBAR LLC"


def award(number: str = "W911NF25C0004", name: str = FIRM, **changes: Any) -> dict[str, Any]:
    """A contract as USAspending tells it."""
    row = {
        "internal_id": 349251868,
        "Award ID": number,
        "Recipient Name": name,
        "Recipient UEI": "XYZ123",
        "Award Amount": 1897682.83,
        "Start Date": "2026-04-15",
        "End Date": "2027-04-14",
        "Awarding Agency": "Department of Defense",
        "awarding_agency_id": 1173,
        "generated_internal_id": f"CONT_AWD_{number}_9700_-NONE-_-NONE-",
    }
    return row | changes


def awards(*found: dict[str, Any], page: int = 1, more: bool = False) -> dict[str, Any]:
    """A page of USAspending's search; the last one has the text "None" where a value would be."""
    meta = {
        "page": page,
        "hasNext": more,
        "last_record_unique_id": 1 if more else None,
        "last_record_sort_value": "1897682.83" if more else "None",
    }
    return {"limit": 100, "results": list(found), "page_metadata": meta, "messages": []}
