"""A register in one data set with a row for each document and party: how it is paged.

Connecticut and Oregon publish so. A document that the edge of a page would cut is completed by
one more request, so that it is always seen whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.pipelines.ingestion.records import RawDocument, RawPage, Rejected, Window
from services.pipelines.ingestion.registers.base import (
    Reader,
    Row,
    edges,
    group,
    raw_document,
    required,
    within,
)
from services.pipelines.ingestion.registers.soda import together


@dataclass(frozen=True, slots=True)
class PartyRows:
    """The network half of a Register; `number`, `filing` and `filed_on` are column names."""

    name: str
    state: str
    base_url: str
    parser_version: str
    dataset: str
    number: str
    filing: str
    filed_on: str
    order: str

    async def page(self, client: Reader, window: Window, offset: int, limit: int) -> RawPage:
        """Documents of `limit` rows by number; see Register.page."""
        found, full = await client.rows(
            self.dataset,
            order=self.order,
            where=within(self.filed_on, window),
            limit=limit,
            offset=offset,
        )
        cut = edges(found.rows, self.number, offset > 0, full)
        rest = await client.matching(self.dataset, self.number, cut, order=self.order)
        documents, bad = self._documents([*found.rows, *rest.rows])
        count = len(found.rows) + len(found.rejected)
        return RawPage(documents, [*found.rejected, *rest.rejected, *bad], full, count)

    async def history(self, client: Reader, numbers: Sequence[str]) -> RawPage:
        """What the data set holds of these filings: the initial documents and all amendments."""
        initial, amending = await together(
            client.matching(self.dataset, self.number, numbers, order=self.order),
            client.matching(self.dataset, self.filing, numbers, order=self.order),
        )
        rows = [*initial.rows, *amending.rows]
        documents, bad = self._documents(rows)
        rejected = [*initial.rejected, *amending.rejected, *bad]
        return RawPage(documents, rejected, False, len(rows))

    async def numbers(self, _client: Reader, _dataset: str, row: Row, /) -> list[str]:
        """See Register.numbers."""
        return [required(row, self.number)]

    def _documents(self, rows: list[Row]) -> tuple[list[RawDocument], list[Rejected]]:
        groups, rejected = group(self.dataset, rows, self.number)
        documents = [
            raw_document(number, self.parser_version, {self.dataset: own})
            for number, own in groups.items()
        ]
        return documents, rejected
