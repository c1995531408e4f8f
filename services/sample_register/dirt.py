"""Rows written by hand: each fault that real registers hold, once or twice, under invented names.

The faults are those seen in public rows (addresses and names in several spellings, fields that
hold the wrong thing, doubled rows, amendments out of order) and rows no reader can use. They are
dated from the first day of the quarter of `as_of`, so that they do not move from day to day.
Names begin with words that the generator never uses: nothing here meets a generated firm.
"""

from datetime import date, timedelta

from services.sample_register import dirt_rows as hand
from services.sample_register.episodes import UCC
from services.sample_register.firms import Row
from services.sample_register.lives import Doc, years_later
from services.sample_register.rows import DIRT_FROM, Numbers, Writer, filing_row, numbers


def write_dirt(writer: Writer, as_of: date) -> None:
    """Write every hand-made row that is dated no later than `as_of`."""
    book = _Book(writer, as_of)
    for days, debtors, secured, text in hand.FILINGS:
        book.add(book.filing(days, debtors, secured, text))
    _doubled(book)
    _out_of_order(book)
    _continued(book)
    _without_lapse_or_late(book)
    _many_files(book)
    _changed(book)
    _unusable(book)


class _Book:
    """Makes documents so many days before the quarter and numbers them in the space kept."""

    def __init__(self, writer: Writer, as_of: date) -> None:
        self.writer, self.as_of, self._next = writer, as_of, DIRT_FROM
        self.anchor = as_of.replace(month=3 * ((as_of.month - 1) // 3) + 1, day=1)

    def day(self, days: int) -> date:
        return self.anchor - timedelta(days=days)

    def filing(self, days: int, debtors: str, secured: str = hand.BANK, text: str = "") -> Doc:
        filed = self.day(days)
        collateral = [{"collateraldescription": text}] if text else []
        lapse = years_later(filed, 5)
        return Doc(filed, UCC, "ucc", _parties(debtors), _parties(secured), collateral, lapse)

    def amendment(self, days: int, document: str) -> Doc:
        return Doc(self.day(days), document, "ucc", initial=False)

    def termination(self, days: int) -> Doc:
        return Doc(self.day(days), "Termination", "ucc", initial=False, termination=True)

    def numbered(self, doc: Doc) -> Numbers:
        first, self._next = self._next, self._next + doc.files
        return numbers(doc.filed, first, doc.files)

    def add(self, doc: Doc, master: str | None = None) -> str:
        return self.writer.add(doc, master, self.numbered(doc))


def _parties(text: str) -> list[Row]:
    keys = ("organizationname", "address1", "city", "state", "zipcode")
    parties = (zip(keys, line.split("|"), strict=False) for line in text.split(" + "))
    return [{key: value for key, value in party if value} for party in parties]


def _doubled(book: _Book) -> None:
    """A document whose rows all come twice, and a second termination of one filing."""
    doc = book.filing(61, hand.TWICE, text=hand.GOODS)
    known = book.numbered(doc)
    for _ in range(2):
        book.writer.add(doc, None, known)
    for days in (30, 12):
        book.add(book.termination(days), known[0])


def _out_of_order(book: _Book) -> None:
    """Amendments dated and numbered before their initial filing, and two whose initial is lost."""
    initial = book.filing(40, hand.LATE)
    known = book.numbered(initial)
    assignment, continuation = book.amendment(45, "Assignment"), book.amendment(43, "Continuation")
    assignment.secured, continuation.continuation = _parties(hand.ASSIGNEE), True
    for doc in (assignment, continuation):
        book.add(doc, known[0])
    book.writer.add(initial, None, known)
    book.add(book.termination(25), "20110460001")
    orphan = book.amendment(24, "Amendment - debtor")
    orphan.debtors = _parties(hand.ORPHAN)
    book.add(orphan, "2007F074276")


def _continued(book: _Book) -> None:
    """Filings of other number forms: continued in time three times over, too early, too late."""
    for filed, number, falls in hand.CONTINUED:
        doc = Doc(filed, UCC, "ucc", _parties(hand.OLD), _parties(hand.BANK))
        doc.lapse = years_later(filed, 5)
        if filed <= book.as_of:
            book.writer.add(doc, None, (number, [number.replace("F", "1")[-7:]]))
        for term, days in enumerate(falls, 1):
            lapse = years_later(filed, 5 * term)
            note = Doc(lapse + timedelta(days=days), "Continuation", "ucc", initial=False)
            note.continuation = True
            note.lapse = years_later(lapse, 5) if -183 < days <= 0 else None
            if note.filed <= book.as_of:
                book.add(note, number)


def _without_lapse_or_late(book: _Book) -> None:
    """A transmitting utility has no lapse date; public finance lasts 30 years (UCC 9-515)."""
    utility, public = book.filing(900, hand.UTILITY), book.filing(2000, hand.PUBLIC)
    utility.lapse, public.lapse = None, years_later(public.filed, 30)
    book.add(utility)
    book.add(public)


def _many_files(book: _Book) -> None:
    """One termination on 23 files, its rows alike but for the fileid."""
    master = book.add(book.filing(500, hand.MANY))
    doc = book.termination(75)
    doc.files = 23
    book.add(doc, master)


def _changed(book: _Book) -> None:
    """A filing whose debtor, lender and collateral each change."""
    master = book.add(book.filing(400, hand.CHANGED, text="ALL INVENTORY"))
    debtor = book.amendment(300, "Amendment - debtor")
    gone = {"actiontype": "change and delete", "recordstatus": "inactive"}
    debtor.debtors = [_parties(hand.CHANGED)[0] | gone, *_parties(hand.CHANGED_TO)]
    lender = book.amendment(200, "Assignment")
    gone = {"actiontype": "delete only", "recordstatus": "inactive", "assignor": "1"}
    lender.secured = [*_parties(hand.ASSIGNEE), _parties(hand.BANK)[0] | gone]
    goods = book.amendment(100, "Amendment - collateral")
    goods.collateral = [
        {"collateraldescription": "ALL INVENTORY", "actiontype": "delete only"},
        {"collateraldescription": "ALL EQUIPMENT"},
    ]
    for doc in (debtor, lender, goods):
        book.add(doc, master)


def _unusable(book: _Book) -> None:
    """Rows to set aside: no number, no or impossible date, no master; parties of no filing."""
    day, put = book.day(20), book.writer.put
    for position, wrong in enumerate(hand.WRONG_FIELDS):
        number, (file,) = numbers(day, DIRT_FROM - 1 - position)
        row = filing_row(Doc(day, UCC, "ucc"), number, number, file)
        row |= {key: value and value.format(day) for key, value in wrong.items()}
        put("filings", {key: value for key, value in row.items() if value is not None})
        for party in _parties(hand.UNUSABLE):
            put("debtors", {"debtorid": f"{file}0", "fileid": file, "actiontype": "add", **party})
    lost = {"actiontype": "add", "organizationname": "WEXCOMBE LOST CO"}
    put("debtors", {"debtorid": "9999999990"} | lost)
    put("secured", {"spid": "9999999991", "fileid": "999999999"} | lost)
