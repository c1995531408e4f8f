"""The formats: which tables they consist of, and which of them a file is by its first line.

Columns are told by their names, whatever their order; more than these may be there. A file
without a line of names is told by its own name, and its cells by the order given here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.common.errors import Unprocessable

Format = Literal["fl", "ca", "iaca"]
RECORDS = "records"
"""The one table of an XML format; its rows are elements."""
DELIMITER = "|"
_SHOWN_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a format: its `columns` in the office's order, `needed` to be recognised.

    `words` are what the names of its files contain.
    """

    name: str
    words: tuple[str, ...]
    needed: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A format: `state` is the office's, None where the caller says it; no tables: XML.

    `quoted` cells may stand in double quotes and then hold anything. Bytes that are no `encoding`
    are read as Windows-1252.
    """

    title: str
    state: str | None
    tables: tuple[Table, ...] = ()
    quoted: bool = False
    encoding: str = "utf-8"

    @property
    def is_xml(self) -> bool:
        """Whether the files are XML documents."""
        return not self.tables


@dataclass(frozen=True, slots=True)
class Shape:
    """What a file is: its table, the names of its cells, and whether its first line is these."""

    table: str
    columns: tuple[str, ...]
    header: bool


def _party_columns(prefix: str, state: str) -> tuple[str, ...]:
    parts = (
        "Name", "NameFormat", "AddressLine1", "AddressLine2", "City", state, "ZipCode",
        "Country", "RefNumber", "RelToFiling", "OrigParty", "FilingStatus",
    )  # fmt: skip
    return ("Ucc1FilingNumber", *(prefix + part for part in parts))


def _ca_party(kind: str) -> tuple[str, ...]:
    return (
        "UCC1_NUM", "UCC3_NUM", kind, "ORG_NAME", "LAST_NAME", "FIRST_NAME", "MIDDLE_NAME",
        "SUFFIX", "ADDR1", "ADDR2", "ADDR3", "CITY", "STATE", "POSTAL_CODE", "COUNTRY",
    )  # fmt: skip


_FL_EVENTS = ("Ucc3FilingNumber", "Ucc1FilingNumber", "EventDate", "ActionVerbage")
_FL_FILINGS = ("Ucc1FilingNumber", "FilingDate", "FilingExpDate", "FilingStatus")
_CA_AMENDMENTS = ("UCC1_NUM", "UCC3_NUM", "ACTION_TYPE")
_CA_FILINGS = (
    "UCC1_NUM", "UCC3_NUM", "FILING_DATE", "PROCESSED_DATE", "ACTION_TYPE",
    "ALT_DESIGNATION_TYPE_ID", "FILING_TYPE_ID", "LAPSE_DATE", "PAGE_COUNT",
)  # fmt: skip

LAYOUTS: Mapping[Format, Layout] = {
    "fl": Layout(
        title="Florida's download",
        state="FL",
        encoding="latin-1",
        tables=(
            Table("filings", ("filing",), ("Ucc1FilingNumber", "FilingDate"), _FL_FILINGS),
            Table(
                "debtors",
                ("debtor",),
                ("Ucc1FilingNumber", "DebName"),
                _party_columns("Deb", "State"),
            ),
            Table(
                "secureds",
                ("secured",),
                ("Ucc1FilingNumber", "SecName"),
                _party_columns("Sec", "StateProvince"),
            ),
            Table("events", ("event",), _FL_EVENTS, _FL_EVENTS),
        ),
    ),
    "ca": Layout(
        title="California's master unload",
        state="CA",
        quoted=True,
        tables=(
            Table("amendments", ("amendment",), _CA_AMENDMENTS, _CA_AMENDMENTS),
            Table("filings", ("filing",), ("UCC1_NUM", "FILING_DATE", "ACTION_TYPE"), _CA_FILINGS),
            Table("debtors", ("debtor",), ("UCC1_NUM", "ORG_NAME"), _ca_party("DEBTOR_TYPE")),
            Table(
                "secured",
                ("secured",),
                ("UCC1_NUM", "ORG_NAME"),
                _ca_party("SECURED_PARTY_TYPE"),
            ),
        ),
    ),
    "iaca": Layout(title="IACA XML", state=None),
}


def columns_of(form: Format, table: str) -> tuple[str, ...]:
    """The columns of a table in the office's order. Raises StopIteration for an unknown one."""
    return next(each.columns for each in LAYOUTS[form].tables if each.name == table)


def recognise(layout: Layout, name: str, cells: Sequence[str]) -> Shape:
    """Which table a file with this first line is. Raises Unprocessable with what would be one."""
    told = [cell.strip().lower() for cell in cells]
    fitting = [t for t in layout.tables if {c.lower() for c in t.needed} <= set(told)]
    if fitting:
        return Shape(_one(layout, fitting, name, told).name, _spelled(layout, told), True)
    for table in _by_name(layout.tables, name):
        if len(cells) == len(table.columns):
            return Shape(table.name, table.columns, False)
    raise Unprocessable(
        f"{name} is no file of {layout.title}: its first line holds "
        f"{DELIMITER.join(cells[:_SHOWN_COLUMNS])[:200]!r}. {_expected(layout)}"
    )


def _one(layout: Layout, fitting: list[Table], name: str, told: list[str]) -> Table:
    """The table whose columns are all there; files alike are told by their name."""
    most = max(len({c.lower() for c in t.columns} & set(told)) for t in fitting)
    best = [t for t in fitting if len({c.lower() for c in t.columns} & set(told)) == most]
    if len(best) == 1:
        return best[0]
    if named := _by_name(best, name):
        return named[0]
    tables = " or ".join(table.name for table in best)
    raise Unprocessable(
        f"{name} may be {tables} of {layout.title}, which have the same columns: give the file "
        "a name that says which (in a form, or as ?name= of the request)"
    )


def _by_name(tables: Sequence[Table], name: str) -> list[Table]:
    low = name.lower()
    return [table for table in tables if any(word in low for word in table.words)]


def _spelled(layout: Layout, told: Sequence[str]) -> tuple[str, ...]:
    """Columns as the office spells them; unknown ones as they come, each name once."""
    known = {c.lower(): c for table in layout.tables for c in table.columns}
    names: list[str] = []
    for at, cell in enumerate(told):
        spelled = known.get(cell, cell)
        names.append(spelled if spelled and spelled not in names else f"column_{at + 1}")
    return tuple(names)


def _expected(layout: Layout) -> str:
    tables = "; ".join(f"{t.name}: {DELIMITER.join(t.needed)}" for t in layout.tables)
    return f"Expected are columns separated by {DELIMITER} with these among them: {tables}"
