"""Colorado, data.colorado.gov: four data sets joined on fileid, amendments by masterdocumentid.

A transaction is a document; 0.6 % of the rows repeat a transactionid because it acts on several
files. Parties and collateral of a page are asked for by fileid, in IN lists, side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from services.pipelines.ingestion.records import (
    Action,
    Collateral,
    Document,
    Kind,
    Party,
    RawDocument,
    RawPage,
    Rejected,
    Role,
    Window,
)
from services.pipelines.ingestion.registers.base import (
    KEY_MAX,
    BadRow,
    Reader,
    Row,
    day,
    edges,
    flag,
    group,
    identifier,
    in_turns,
    raw_document,
    read,
    required,
    required_day,
    text,
    within,
)
from services.pipelines.ingestion.registers.build import (
    Place,
    distinct,
    goods,
    individual,
    organization,
)
from services.pipelines.ingestion.registers.soda import together
from services.pipelines.ingestion.registers.words import amendment_kind, filing_type

FILINGS, DEBTORS, SECURED, COLLATERAL = "wffy-3uut", "8upq-58vz", "ap62-sav4", "4am6-w6u4"
PARTS = {DEBTORS: "debtorid", SECURED: "spid", COLLATERAL: "collateralid"}
"""Data sets that hang on a filing, with the column of their own row id."""
ORDER = "transactionid,fileid"

_ACTIONS: dict[str, Action] = {
    "add": "add",
    "change only": "change",
    "delete only": "delete",
    "change and delete": "delete",
}


@dataclass(frozen=True, slots=True)
class Colorado:
    """Reader of Colorado's register, and of stand-ins that speak like it."""

    name: str = "co"
    state: str = "CO"
    base_url: str = "https://data.colorado.gov"
    parser_version: str = "co-1"

    async def page(self, client: Reader, window: Window, offset: int, limit: int) -> RawPage:
        """Documents of `limit` rows of filings by transactionid; see Register.page."""
        where = within("filingdate", window)
        found, full = await client.rows(
            FILINGS, order=ORDER, where=where, limit=limit, offset=offset
        )
        cut = edges(found.rows, "transactionid", offset > 0, full)
        rest = await client.matching(FILINGS, "transactionid", cut, order=ORDER)
        page = await self._whole(client, [*found.rows, *rest.rows])
        count = len(found.rows) + len(found.rejected)
        rejected = [*found.rejected, *rest.rejected, *page.rejected]
        return RawPage(page.documents, rejected, full, count)

    async def history(self, client: Reader, numbers: Sequence[str]) -> RawPage:
        """Filings with these transactionids and every transaction that amends them."""
        initial, amending = await together(
            client.matching(FILINGS, "transactionid", numbers, order=ORDER),
            client.matching(FILINGS, "masterdocumentid", numbers, order=ORDER),
        )
        others = {str(row["transactionid"]) for row in amending.rows if "transactionid" in row}
        others -= set(numbers)
        # An amendment may act on files of other filings as well: only whole ones are handed on.
        amendments = await client.matching(FILINGS, "transactionid", sorted(others), order=ORDER)
        rows = [*initial.rows, *amendments.rows]
        page = await self._whole(client, rows)
        rejected = [*initial.rejected, *amending.rejected, *amendments.rejected, *page.rejected]
        return RawPage(page.documents, rejected, False, len(rows))

    async def numbers(self, client: Reader, dataset: str, row: Row, /) -> list[str]:
        """See Register.numbers; parties and collateral belong to what has their fileid."""
        if dataset == FILINGS:
            return [required(row, "transactionid")]
        files = [required(row, "fileid")]
        found = await client.matching(FILINGS, "fileid", files, order=ORDER)
        return sorted(
            {str(each["transactionid"]) for each in found.rows if "transactionid" in each}
        )

    async def _whole(self, client: Reader, filings: list[Row]) -> RawPage:
        """Filing rows with what hangs on them, one document a transaction and initial filing."""
        transactions, rejected = group(FILINGS, filings, "transactionid", "fileid")
        files = sorted({row["fileid"] for rows in transactions.values() for row in rows})
        answers = await together(
            *(
                client.matching(dataset, "fileid", files, order=f"fileid,{key}")
                for dataset, key in PARTS.items()
            )
        )
        parts: dict[str, dict[str, list[Row]]] = {}
        for dataset, answer in zip(PARTS, answers, strict=True):
            parts[dataset], orphaned = group(dataset, answer.rows, "fileid")
            rejected += [*answer.rejected, *orphaned]
        documents: list[RawDocument] = []
        async for transaction, rows in in_turns(transactions.items()):
            documents += self._documents(transaction, rows, parts)
        return RawPage(documents, rejected)

    def _documents(
        self, transaction: str, rows: list[Row], parts: dict[str, dict[str, list[Row]]]
    ) -> Iterator[RawDocument]:
        """One document, or one for each filing where the transaction amends several."""
        masters: dict[str, list[Row]] = {}
        for row in rows:
            masters.setdefault(str(row.get("masterdocumentid") or ""), []).append(row)
        for master, own in masters.items():
            files = dict.fromkeys(row["fileid"] for row in own)
            content = {FILINGS: own}
            for dataset, by_file in parts.items():
                content[dataset] = [row for file in files for row in by_file.get(file, ())]
            told = master.replace("\0", " ")[:KEY_MAX]  # what is wrong with it, `parse` says
            number = transaction if len(masters) == 1 else f"{transaction}:{told}"
            yield raw_document(number, self.parser_version, content)

    def parse(self, raw: RawDocument) -> tuple[Document | None, list[Rejected]]:
        """See Register.parse: a bad party row costs that row, a bad filing row the document."""
        rejected: list[Rejected] = []
        heads = list(read(raw, FILINGS, _head, rejected))
        if not heads:
            return None, rejected
        head = heads[0]
        parties = distinct(
            [*read(raw, DEBTORS, _debtor, rejected), *read(raw, SECURED, _secured, rejected)]
        )
        collateral = distinct(read(raw, COLLATERAL, _collateral, rejected))
        lenders = [party.lender_kind for party in parties] if head.initial else []
        lien = filing_type(head.filing_type, head.document_type, secured_kinds=lenders)
        document = Document(
            number=raw.number,
            initial_number=head.filing,
            kind="initial" if head.initial else _kind(heads, parties, collateral),
            document_type=head.document_type,
            filing_type=lien or ("other_lien" if head.initial else None),
            filed_on=head.filed_on,
            lapse_on=head.lapse_on,
            status_as_filed="terminated" if head.initial and head.termination else None,
            content_hash=raw.content_hash,
            parties=parties,
            collateral=collateral,
            source_id=head.file,
        )
        return document, rejected


@dataclass(frozen=True, slots=True)
class _Head:
    """A row of wffy-3uut; `filing` is the transactionid of the initial filing."""

    filing: str
    file: str
    initial: bool
    document_type: str
    filing_type: str | None
    filed_on: date
    lapse_on: date | None
    continuation: bool
    termination: bool


def _head(row: Row) -> _Head:
    number = required(row, "transactionid")
    told = text(row, "transactiontype")
    master = text(row, "masterdocumentid")
    document = text(row, "documenttype")
    if not (told or document):
        raise BadRow("columns transactiontype and documenttype are missing: what is it?")
    initial = told.lower().startswith("initial") if told else master in (None, number)
    return _Head(
        filing=number if initial else required(row, "masterdocumentid"),
        file=required(row, "fileid"),
        initial=initial,
        document_type=document or told or "",
        filing_type=text(row, "filingtype"),
        filed_on=required_day(row, "filingdate"),
        lapse_on=day(row, "lapsedate"),
        continuation=flag(row, "continuation"),
        termination=flag(row, "terminationflag"),
    )


def _kind(
    heads: Sequence[_Head], parties: Sequence[Party], collateral: Sequence[Collateral]
) -> Kind:
    """By the office's words; a bare "Amendment" by its flags, then by what hangs on it."""
    if kind := amendment_kind(heads[0].document_type):
        return kind
    if any(head.termination for head in heads):
        return "termination"
    if any(head.continuation for head in heads):
        return "continuation"
    if parties:
        return "party_change"
    return "collateral_change" if collateral else "other"


def _debtor(row: Row) -> Party:
    return _party(row, "debtor")


def _secured(row: Row) -> Party:
    return _party(row, "secured")


def _party(row: Row, role: Role) -> Party:
    key = identifier(row, "debtorid" if role == "debtor" else "spid")
    place = Place(
        address1=text(row, "address1"),
        address2=text(row, "address2"),
        city=text(row, "city"),
        state=text(row, "state"),
        zip=text(row, "zipcode"),
        country=text(row, "country"),
    )
    action, active, assignor = _action(row), _active(row), flag(row, "assignor")
    if name := text(row, "organizationname"):
        return organization(role, name, place, key, action=action, active=active, assignor=assignor)
    names = [text(row, part) for part in ("firstname", "middlename", "lastname", "suffix")]
    return individual(role, names, place, key, action=action, active=active, assignor=assignor)


def _collateral(row: Row) -> Collateral:
    texts = [text(row, "collateraldescription"), text(row, "additionalcollateraldescription")]
    key = identifier(row, "collateralid")
    return goods(texts, key, action=_action(row), active=_active(row))


def _action(row: Row) -> Action:
    return _ACTIONS.get((text(row, "actiontype") or "").lower(), "add")


def _active(row: Row) -> bool:
    return (text(row, "recordstatus") or "").lower() != "inactive"
