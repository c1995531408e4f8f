"""Documents become rows: numbers, ids and JSON in the shape of the four Colorado data sets.

Numbers follow the register's look (year, then seven digits) and count up within a day, so that
the order of transactionid is the order of filing. As in Socrata's JSON, null keys are left out.
"""

from datetime import date
from typing import Any

import orjson

from services.sample_register.firms import Row
from services.sample_register.lives import Doc

Numbers = tuple[str, list[str]]
"""A transactionid and the fileids it acts on."""

DIRT_FROM = 9000  # the thousand numbers of a day from here are kept for hand-made rows
_EPOCH = date(1990, 1, 1).toordinal()
_PARTS = {
    "debtors": ("debtorid", {"actiontype": "add", "recordstatus": "active"}),
    "secured": ("spid", {"actiontype": "add", "recordstatus": "active", "assignor": "0"}),
    "collateral": ("collateralid", {"actiontype": "add", "recordstatus": "active"}),
}


def numbers(day: date, first: int, files: int = 1) -> Numbers:
    """The `first` document of a day (0 to 9999): "20260230007" and its `files` fileids."""
    transaction = f"{day.year}{day.timetuple().tm_yday:03d}{first:04d}"
    days = day.toordinal() - _EPOCH
    return transaction, [f"{days}{n:04d}" for n in range(first, first + files)]


def filing_row(doc: Doc, transaction: str, master: str, file: str) -> dict[str, Any]:
    """One row of wffy-3uut; `master` is the initial filing's transactionid."""
    row: dict[str, Any] = {
        "transactionid": transaction,
        "masterdocumentid": master,
        "fileid": file,
        "transactiontype": "Initial Filing" if doc.initial else "Amendment",
        "documenttype": doc.document,
        "filingdate": f"{doc.filed}T00:00:00.000",
        "continuation": doc.continuation,
        "terminationflag": doc.termination,
        "manufacturedhometransactions": False,
    }
    if doc.filing_type is not None:
        row["filingtype"] = doc.filing_type
    if doc.lapse is not None:
        row["lapsedate"] = f"{doc.lapse}T00:00:00.000"
    return row


class Writer:
    """Collects the rows of the four data sets as JSON, a list each, in the order written."""

    def __init__(self) -> None:
        self.rows: dict[str, list[bytes]] = {"filings": [], **{name: [] for name in _PARTS}}
        self._used: dict[date, int] = {}

    def add(self, doc: Doc, master: str | None = None, known: Numbers | None = None) -> str:
        """Write a document, its parties and collateral; gives its transactionid."""
        transaction, files = known or self._next(doc)
        for file in files:
            self.put("filings", filing_row(doc, transaction, master or transaction, file))
        self._put_parts("debtors", files[0], doc.debtors)
        self._put_parts("secured", files[0], doc.secured)
        self._put_parts("collateral", files[0], doc.collateral)
        return transaction

    def put(self, name: str, row: dict[str, Any]) -> None:
        """Write one row of a data set as it is."""
        # A copy: orjson cuts its result from a block of a kilobyte, whose rest would stay unused.
        self.rows[name].append(bytes(memoryview(orjson.dumps(row))))

    def _put_parts(self, name: str, file: str, rows: list[Row]) -> None:
        key, defaults = _PARTS[name]
        for position, row in enumerate(rows):
            self.put(name, {key: f"{file}{position}", "fileid": file, **defaults, **row})

    def _next(self, doc: Doc) -> Numbers:
        first = self._used.get(doc.filed, 0)
        self._used[doc.filed] = first + doc.files
        return numbers(doc.filed, first, doc.files)
