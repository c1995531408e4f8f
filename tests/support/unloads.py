"""Files as registers publish them, invented: Florida's and California's tables, IACA XML."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from services.common.bulk.layouts import columns_of

Files = dict[str, bytes]
FL_NAMES = {name: f"{name}_full.csv" for name in ("filings", "debtors", "secureds", "events")}
CA_NAMES = {
    "filings": "Filings.csv",
    "debtors": "Debtors.csv",
    "secured": "SecuredParties.csv",
    "amendments": "FilingAmendments.csv",
}


def florida(**tables: list[dict[str, str]]) -> Files:
    """Florida's files: bare cells, latin-1, CRLF."""
    return {
        FL_NAMES[name]: _table(columns_of("fl", name), rows, quote="").encode("latin-1")
        for name, rows in tables.items()
    }


def california(**tables: list[dict[str, str]]) -> Files:
    """California's files: quoted cells, UTF-8, CRLF."""
    return {
        CA_NAMES[name]: _table(columns_of("ca", name), rows, quote='"').encode()
        for name, rows in tables.items()
    }


def _table(names: tuple[str, ...], rows: list[dict[str, str]], quote: str) -> str:
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    cell = (lambda v: f'"{v.replace(chr(34), chr(34) * 2)}"') if quote else (lambda v: v)
    return "".join("|".join(map(cell, line)) + "\r\n" for line in lines)


def fl_filing(number: str, filed: str, expires: str, status: str = "Filed") -> dict[str, str]:
    """A row of Filings; dates as MM/DD/YYYY."""
    return {
        "Ucc1FilingNumber": number,
        "FilingDate": filed,
        "FilingExpDate": expires,
        "FilingStatus": status,
    }


def fl_party(side: str, number: str, name: str, **cells: str) -> dict[str, str]:
    """A row of Debtors (side Deb) or Secureds (Sec): a company unless `cells` say otherwise."""
    row = {"Name": name, "NameFormat": "C", "City": "MIAMI", "OrigParty": "O"} | cells
    return {"Ucc1FilingNumber": number} | {side + part: value for part, value in row.items()}


def fl_event(number: str, filing: str, on: str, action: str) -> dict[str, str]:
    """A row of Events, which pads the filing's number."""
    return {
        "Ucc3FilingNumber": number,
        "Ucc1FilingNumber": filing.zfill(15),
        "EventDate": on,
        "ActionVerbage": action,
    }


def ca_filing(number: str, filed: str, lapses: str, **cells: str) -> dict[str, str]:
    """A row of Filings: an initial filing unless `cells` say otherwise."""
    row = {
        "UCC1_NUM": number,
        "UCC3_NUM": number,
        "FILING_DATE": f"{filed} 09:30:00.0000000",
        "ACTION_TYPE": "Lien Financing Stmt",
        "FILING_TYPE_ID": "UCC",
        "LAPSE_DATE": f"{lapses} 23:59:59.0000000" if lapses else "",
        "PAGE_COUNT": "1",
    }
    return row | cells


def ca_amendment(number: str, of: str, filed: str, action: str, **cells: str) -> dict[str, str]:
    """A row of Filings that amends."""
    return ca_filing(of, filed, "", UCC3_NUM=number, ACTION_TYPE=action, **cells)


def ca_party(number: str, name: str, **cells: str) -> dict[str, str]:
    """A row of Debtors or SecuredParties: an organization's."""
    row = {"UCC1_NUM": number, "UCC3_NUM": number, "ORG_NAME": name, "CITY": "SAN DIEGO"}
    return row | {"STATE": "CA"} | cells


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The files in an archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def iaca(*records: str, encoding: str = "windows-1252") -> bytes:
    """A document of records."""
    head = f'<?xml version="1.0" encoding="{encoding}"?>\n<Document><XMLVersion Version="04.00"/>'
    body = "\n".join(records)
    return f"{head}<Header><Test/></Header>\n{body}\n</Document>".encode(encoding)


def record(number: str, filed: str, *parts: str, status: str = "Accepted", **told: Any) -> str:
    """A record with its acknowledgement: an initial filing unless `told` says otherwise."""
    known = {
        "TransType": "Initial",
        "AmendmentType": "NoType",
        "AmendmentAction": "NoAction",
        "AltFilingType": "NOAltType",
    } | told
    attribute = {"AmendmentAction": "Action"}
    tags = "".join(
        f'<{t} {attribute.get(t, "Type")}="{v}"/>' for t, v in known.items() if t[0] != "_"
    )
    told_number = f"<FileNumber>{number}</FileNumber>" if number else ""
    return (
        f"<Record><SeqNumber>1</SeqNumber>{tags}{''.join(parts)}<Acknowledgement>{told_number}"
        f'<FileDate>{filed}</FileDate><FileStatus Status="{status}"/></Acknowledgement></Record>'
    )


def of(number: str) -> str:
    """Which filing an amendment amends."""
    return f"<InitialFileNumber>{number}</InitialFileNumber>"


def party(tag: str, name: str) -> str:
    """A debtor (tag Debtor) or secured party (Secured): an organization."""
    group = "Debtors" if tag == "Debtor" else tag
    return (
        f"<{group}><{tag}Name><Names><OrganizationName>{escape(name)}</OrganizationName></Names>"
        "<MailAddress>1 MAIN ST</MailAddress><City>AUSTIN</City><State>TX</State>"
        f"<PostalCode>78701</PostalCode><Country>USA</Country></{tag}Name></{group}>"
    )


def collateral(text: str) -> str:
    """A collateral text."""
    return f"<Collateral><ColText>{escape(text)}</ColText></Collateral>"
