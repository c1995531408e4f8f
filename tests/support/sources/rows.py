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


def chicago(number: str = "100937623", **changes: Any) -> dict[str, Any]:
    """A permit of Chicago: flat contacts, numbers as text."""
    row = {
        "id": "3208190",
        "permit_": number,
        "permit_status": "ACTIVE",
        "permit_type": "PERMIT - NEW CONSTRUCTION",
        "review_type": "SELF CERT",
        "issue_date": "2026-03-01T00:00:00.000",
        "processing_time": "0",
        "street_number": "830",
        "street_direction": "N",
        "street_name": "MARSHFIELD AVE",
        "work_description": "ERECT NEW 3 STORY BUILDING",
        "total_fee": "5161.51",
        "contact_1_type": "OWNER",
        "contact_1_name": "DEBTOR0001, PAT",
        "contact_2_type": "CONTRACTOR-GENERAL CONTRACTOR",
        "contact_2_name": FIRM,
        "contact_2_city": "CHICAGO",
        "contact_2_state": "IL",
        "contact_2_zipcode": "60622",
        "reported_cost": "424000",
        "ward": "1",
    }
    return row | changes


def sf_contact(number: str = "202603238106", **changes: Any) -> dict[str, Any]:
    """A contact of a permit of San Francisco."""
    row = {
        "id": "1",
        "permit_number": number,
        "role": "contractor",
        "firm_name": FIRM,
        "firm_address": "1 Market St",
        "firm_city": "San Francisco",
        "firm_state": "CA",
        "firm_zipcode": "94105",
        "license1": "552877",
    }
    return row | changes


def sf(number: str = "202603238106", **changes: Any) -> dict[str, Any]:
    """A permit of San Francisco: an address row, costs as text."""
    row = {
        "permit_number": number,
        "permit_type": "8",
        "permit_type_definition": "otc alterations permit",
        "street_number": "555",
        "street_name": "California",
        "street_suffix": "St",
        "description": "31/fl- remodel (e) office space",
        "status": "issued",
        "filed_date": "2026-03-23T14:30:55.000",
        "issued_date": "2026-04-10T15:03:06.000",
        "estimated_cost": "8285917.0",
        "revised_cost": "0.0",
        "primary_address_flag": "Y",
        "record_id": "1745632298587",
    }
    return row | changes


def nyc(job: str = "301302007", **changes: Any) -> dict[str, Any]:
    """A permit of New York's legacy set: padded text, dates as MM/DD/YYYY, no cost."""
    row = {
        "borough": "BROOKLYN",
        "bin__": "3124272",
        "house__": "261",
        "street_name": "EAST    4 STREET",
        "job__": job,
        "job_doc___": "01",
        "job_type": "A1",
        "zip_code": "11218",
        "permit_status": "ISSUED",
        "filing_status": "RENEWAL",
        "permit_type": "AL",
        "permit_sequence__": "16",
        "filing_date": "06/26/2026",
        "issuance_date": "06/26/2026",
        "permittee_s_business_name": FIRM,
        "permittee_s_license__": "0004819",
        "owner_s_business_name": "SELF",
    }
    return row | changes


def dob_now(job: str = "B00123456-I1", **changes: Any) -> dict[str, Any]:
    """A permit of DOB NOW."""
    row = {
        "job_filing_number": job,
        "work_permit": f"{job}-GC",
        "work_type": "General Construction",
        "house_no": "12",
        "street_name": "BROAD STREET",
        "borough": "MANHATTAN",
        "applicant_business_name": FIRM,
        "owner_business_name": "N/A",
        "issued_date": "2026-05-05T00:00:00.000",
        "approved_date": "2026-05-01T00:00:00.000",
        "estimated_job_costs": "150000",
        "job_description": "INTERIOR RENOVATION",
        "permit_status": "Permit Issued",
    }
    return row | changes


def licence(number: str = "1001001", **changes: Any) -> dict[str, Any]:
    """A business licence of Chicago."""
    row = {
        "id": f"{number}-20260801",
        "license_id": number,
        "license_number": "22334",
        "account_number": "100100",
        "legal_name": FIRM,
        "doing_business_as_name": "THE REBAR ROOM",
        "address": "100 N STATE ST",
        "city": "CHICAGO",
        "state": "IL",
        "zip_code": "60602",
        "license_description": "Limited Business License",
        "application_type": "ISSUE",
        "license_start_date": "2026-08-01T00:00:00.000",
        "date_issued": "2026-08-02T00:00:00.000",
        "license_status": "AAI",
    }
    return row | changes


def inspection(number: int = 1458614, **changes: Any) -> dict[str, Any]:
    """An inspection of OSHA as the DOL API tells it."""
    row = {
        "activity_nr": number,
        "reporting_id": "0830500",
        "estab_name": "KING REBAR, L.L.C.",
        "site_address": "5200 S BROADWAY",
        "site_city": "ENGLEWOOD",
        "site_state": "CO",
        "site_zip": "80110",
        "insp_type": "B",
        "open_date": "2026-01-29T00:00:00",
        "naics_code": "238120",
    }
    return row | changes


def violation(number: int = 1458614, citation: str = "01001", **changes: Any) -> dict[str, Any]:
    """A violation that an inspection found."""
    row = {
        "activity_nr": number,
        "citation_id": citation,
        "delete_flag": None,
        "standard": "19260501 B01",
        "viol_type": "S",
        "issuance_date": "2026-03-02T00:00:00",
        "current_penalty": 5525.0,
        "initial_penalty": 8500.0,
    }
    return row | changes


def form_d(name: str = FIRM, **changes: Any) -> dict[str, Any]:
    """A hit of EDGAR's full-text search."""
    source = {
        "ciks": ["0001792580"],
        "display_names": [f"{name}  (CIK 0001792580)"],
        "form": "D",
        "adsh": "0000950170-26-027914",
        "file_date": "2026-02-26",
        "biz_states": ["CO"],
        "biz_locations": ["Englewood, CO"],
        "inc_states": ["DE"],
        "items": ["06b"],
    }
    return {"_id": "0000950170-26-027914:primary_doc.xml", "_source": source | changes}


def hits(*found: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """A page of EDGAR's full-text search."""
    value = len(found) if total is None else total
    return {"hits": {"total": {"value": value, "relation": "eq"}, "hits": list(found)}}


def submissions(name: str = "King Rebar LLC", **business: Any) -> dict[str, Any]:
    """Head of EDGAR's submissions of a CIK."""
    address = {
        "street1": "5200 S BROADWAY", "city": "ENGLEWOOD", "stateOrCountry": "CO",
        "zipCode": "80110",
    }  # fmt: skip
    return {
        "cik": "1792580",
        "name": name,
        "sic": "3440",
        "stateOfIncorporation": "DE",
        "addresses": {"business": address | business, "mailing": {}},
        "formerNames": [{"name": "REBAR KINGS INC", "from": "x", "to": "y"}],
        "filings": {"recent": {"form": ["D"]}},
    }


def position(number: str = "1", company: str = "King Rebar", **changes: Any) -> dict[str, Any]:
    """A position as Adzuna tells it."""
    row = {
        "id": number,
        "title": "Ironworker",
        "created": "2026-09-10T08:00:00Z",
        "redirect_url": f"https://www.adzuna.com/land/ad/{number}",
        "company": {"display_name": company},
        "location": {
            "display_name": "Englewood, Arapahoe County",
            "area": ["US", "Colorado", "Arapahoe County", "Englewood"],
        },
        "category": {"label": "Trade & Construction Jobs"},
        "salary_min": 52000,
    }
    return row | changes


def greenhouse_job(number: int = 4011, **changes: Any) -> dict[str, Any]:
    """A position on a Greenhouse board."""
    row = {
        "id": number,
        "title": "Estimator",
        "absolute_url": f"https://boards.greenhouse.io/kingrebar/jobs/{number}",
        "updated_at": "2026-09-01T10:00:00-04:00",
        "location": {"name": "Englewood, CO"},
    }
    return row | changes


def lever_job(number: str = "a-1", **changes: Any) -> dict[str, Any]:
    """A position on a Lever board; times are milliseconds."""
    row = {
        "id": number,
        "text": "Foreman",
        "hostedUrl": f"https://jobs.lever.co/kingrebar/{number}",
        "createdAt": 1788220800000,
        "categories": {"location": "Denver", "team": "Field", "commitment": "Full-time"},
    }
    return row | changes
