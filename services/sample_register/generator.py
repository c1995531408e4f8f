"""From a seed, a size and a day to the rows of a Colorado-shaped register.

Days are drawn backwards from `as_of` until the filings are enough (about six years), each from a
random stream of its own; numbers count up within their day. So the register of a later `as_of`
holds the same documents under the same numbers, plus the newer and less some of the oldest.
"""

from datetime import date, timedelta
from random import Random

from services.sample_register.dirt import write_dirt
from services.sample_register.episodes import Case, draw
from services.sample_register.firms import Firms
from services.sample_register.rows import Writer

DAYS = 2192
# Episodes that begin a day for each row of the filings data set, six years long.
_PACE = 0.572 / DAYS
_WEEKDAYS = (1.37, 1.37, 1.37, 1.37, 1.37, 0.1, 0.05)


def generate(seed: int, size: int, as_of: date, *, dirt: bool = True) -> dict[str, list[bytes]]:
    """Rows of `filings` (about `size`), `debtors`, `secured`, `collateral` as JSON objects.

    The same arguments give the same bytes. No document is dated after `as_of`.
    """
    writer, firms, day = Writer(), Firms(seed, size), as_of
    if dirt:
        write_dirt(writer, as_of)
    filings = writer.rows["filings"]
    while len(filings) < size:
        rng = Random(f"{seed}/{size}/{day}")
        for _ in range(_episodes(rng, size, day)):
            for case in draw(rng, firms, day):
                _write(writer, case, as_of)
            if len(filings) >= size:
                break
        day -= timedelta(days=1)
    return writer.rows


def _episodes(rng: Random, size: int, day: date) -> int:
    """Financings that begin on a day; months swing as 4,000 to 4,650 filings a month do."""
    month = 1 + (Random(f"{day:%Y-%m}").random() - 0.5) * 0.15
    expected = size * _PACE * month * _WEEKDAYS[day.weekday()]
    return int(expected + rng.random())


def _write(writer: Writer, case: Case, as_of: date) -> None:
    if case.initial.filed > as_of:
        return
    master = writer.add(case.initial)
    for doc in case.later:
        if doc.filed <= as_of:
            writer.add(doc, master)
