"""From files to ranked prospects: all processes run, each format ends in the right order."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from services.common.db import Database
from tests.integration.conftest import start_all
from tests.support.ingestion import finished, settled, until
from tests.support.processes import process
from tests.support.stack import TestStack, create_database, drop_database
from tests.support.unloads import (
    Files,
    ca_amendment,
    ca_filing,
    ca_party,
    california,
    collateral,
    fl_event,
    fl_filing,
    fl_party,
    florida,
    iaca,
    of,
    party,
    record,
    zipped,
)

TODAY = datetime.now(UTC).date()
BANK, FUNDER, SECOND = "SEACOAST NATIONAL BANK", "LIBERTAS FUNDING LLC", "YELLOWSTONE CAPITAL LLC"
Row = tuple[str, str, int, bool, bool]
"""Name, mca, stack depth, renewal due, distress; in the order of the list."""


@dataclass(frozen=True)
class Platform:
    """Where the services answer, and the database they share."""

    jobs: str
    prospects: str
    database: str


@pytest.fixture(scope="module")
def platform(
    stack: TestStack, template_database: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Jobs service, relay, ingestion, enrichment, scoring and prospects as processes."""
    made = create_database(stack, "files", template_database.name)
    urls = {"DATABASE_URL": made.url, "DATABASE_DIRECT_URL": made.direct_url}
    environment = stack.environment() | urls | {"TOPIC_PREFIX": "files.", "INGEST_PAGE_SIZE": "10"}
    stack.run("services.common.kafka.topics", "create", env=environment)
    with ExitStack() as running:
        folder = tmp_path_factory.mktemp("files")
        jobs = start_all(running, environment | {"SAMPLE_SIZE": "600"}, folder)
        prospects = running.enter_context(process("services.prospects", environment, folder))
        yield Platform(jobs, prospects.url, made.url)
    drop_database(stack, made.name)


@pytest.fixture
async def session(stack: TestStack) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {stack.token('admin')}"}
    async with aiohttp.ClientSession(headers=headers) as made:
        yield made


async def take(
    platform: Platform, session: aiohttp.ClientSession, files: Mapping[str, bytes], **query: str
) -> None:
    """Send files and wait until everything that follows from them is done."""
    data = aiohttp.FormData()
    for name, content in files.items():
        data.add_field("file", content, filename=name)
    url = f"{platform.jobs}/api/jobs/ingestion/files"
    async with session.post(url, params=query, data=data) as answer:
        job = await answer.json()
        assert answer.status == 202, job
    db = await Database.connect(platform.database)
    try:
        done = await finished(db, job["id"], 60)
        assert done["state"] == "succeeded", done["error"]
        await until(lambda: settled(db), "every prospect is enriched and scored", db)
    finally:
        await db.close()


async def ranked(platform: Platform, session: aiohttp.ClientSession, state: str) -> list[Row]:
    """The prospects of a state as the API lists them."""
    url = f"{platform.prospects}/api/prospects"
    async with session.get(url, params={"state": state, "limit": "100"}) as answer:
        assert answer.status == 200, await answer.text()
        body = await answer.json()
    return [
        (p["company_name"], p["mca"], p["stack_depth"], p["renewal_due"], p["distress"])
        for p in body["prospects"]
    ]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def ahead(days: int) -> date:
    return TODAY + timedelta(days=days)


def us(day: date) -> str:
    return day.strftime("%m/%d/%Y")


def fl_files() -> Files:
    """A stack of two; one advance that ended; a bank lien to renew; a tax lien; what lapsed."""
    names = {"11": "PELICAN BAKERY LLC", "12": "PELICAN BAKERY, L.L.C.", "21": "HERON CAFE INC",
             "31": "EGRET MARINE LLC", "41": "IBIS ROOFING LLC", "51": "GULL TOWING LLC",
             "61": "DEBTOR0001 PAT"}  # fmt: skip
    holders = {"11": FUNDER, "12": SECOND, "21": FUNDER, "31": BANK, "51": BANK, "61": FUNDER,
               "41": "INTERNAL REVENUE SERVICE"}  # fmt: skip
    dates = {number: (ago(40), ahead(1786)) for number in names}
    dates |= {"31": (ahead(200 - 1826), ahead(200)), "51": (ago(1900), ago(74))}
    person = {"61": {"NameFormat": "P"}}
    return florida(
        filings=[
            fl_filing(n, us(filed), us(expires), "Lapsed" if n == "51" else "Filed")
            for n, (filed, expires) in dates.items()
        ],
        debtors=[fl_party("Deb", n, name, **person.get(n, {})) for n, name in names.items()],
        secureds=[fl_party("Sec", n, name) for n, name in holders.items()],
        events=[fl_event("901", "21", us(ago(5)), "TERMINATION")],
    )


FLORIDA: list[Row] = [
    ("PELICAN BAKERY LLC", "certain", 2, False, False),
    ("EGRET MARINE LLC", "none", 0, True, False),
    ("IBIS ROOFING LLC", "none", 0, False, True),
    ("GULL TOWING LLC", "none", 0, False, False),
    ("HERON CAFE INC", "none", 0, False, False),
]


@pytest.mark.slow
async def test_florida(platform: Platform, session: aiohttp.ClientSession) -> None:
    for name, content in reversed(fl_files().items()):
        await take(platform, session, {f"{name}.zip": zipped({name: content})}, format="fl")
    found = await ranked(platform, session, "FL")
    assert same_order(found, FLORIDA)
    await take(platform, session, {"all.zip": zipped(fl_files())}, format="fl")
    assert await ranked(platform, session, "FL") == found


def ca_files() -> Files:
    """A stack of two, one of them by an erroneous termination; a lien assigned; a tax lien."""
    head = {"1": ago(60), "2": ago(30), "3": ahead(250 - 1826), "4": ago(400), "5": ago(90)}
    lapses = {n: str(filed + timedelta(days=1826)) for n, filed in head.items()}
    lapses["4"] = str(ahead(3250))
    kinds = {"4": {"FILING_TYPE_ID": "State Tax Lien"}}
    debtors = {"1": "SURF TACOS INC", "2": "SURF TACOS", "3": "REDWOOD PRESS LLC",
               "4": "MESA AUTO GLASS INC", "5": "LAGUNA LINEN LLC"}  # fmt: skip
    holders = {"1": FUNDER, "2": SECOND, "3": "PACIFIC WESTERN BANK", "5": FUNDER,
               "4": "EMPLOYMENT DEVELOPMENT DEPARTMENT"}  # fmt: skip
    events = [
        ca_amendment("91", "2", str(ago(20)), "Termination"),
        ca_amendment("92", "2", str(ago(10)), "Erroneous Termination"),
        ca_amendment("93", "5", str(ago(20)), "Amendment"),
    ]
    return california(
        filings=[ca_filing(n, str(f), lapses[n], **kinds.get(n, {})) for n, f in head.items()]
        + events,
        debtors=[ca_party(n, name) for n, name in debtors.items()],
        secured=[ca_party(n, name) for n, name in holders.items()],
        amendments=[{"UCC1_NUM": "5", "UCC3_NUM": "93", "ACTION_TYPE": "Termination"}],
    )


CALIFORNIA: list[Row] = [
    ("SURF TACOS", "certain", 2, False, False),
    ("REDWOOD PRESS LLC", "none", 0, True, False),
    ("MESA AUTO GLASS INC", "none", 0, False, True),
    ("LAGUNA LINEN LLC", "none", 0, False, False),
]


@pytest.mark.slow
async def test_california(platform: Platform, session: aiohttp.ClientSession) -> None:
    for name, content in reversed(ca_files().items()):
        await take(platform, session, {name: content}, format="ca")
    found = await ranked(platform, session, "CA")
    assert same_order(found, CALIFORNIA)
    await take(platform, session, {"unload.zip": zipped(ca_files())}, format="ca")
    assert await ranked(platform, session, "CA") == found


def tx_files() -> list[bytes]:
    """Initial filings in one file; what became of them in two more; one that was refused."""
    day = "{:%Y%m%d}".format
    receipts = collateral("All future receipts sold to the secured party")
    amend = {"TransType": "Amendment"}
    lapse = f"<LapseDate>{day(ahead(150))}</LapseDate>"
    first = iaca(
        record("1", day(ago(70)), party("Debtor", "LONE STAR DINER LLC"), party("Secured", FUNDER)),
        record("2", day(ago(50)), party("Debtor", "LONE STAR DINER"),
               party("Secured", "C T CORPORATION SYSTEM, AS REPRESENTATIVE"), receipts),
        record("3", day(ahead(150 - 1826)), party("Debtor", "MESQUITE STEEL LLC"),
               party("Secured", "FROST BANK"), lapse),
        record("4", day(ago(50)), party("Debtor", "BLUEBONNET SPA LLC"), party("Secured", FUNDER)),
        record("5", day(ago(50)), party("Debtor", "PECAN GROVE LLC"),
               party("Secured", "COMPTROLLER OF PUBLIC ACCOUNTS"), AltFilingType="StateLien"),
        record("", day(ago(50)), party("Debtor", "NEVER FILED LLC"), status="Rejected"),
    )  # fmt: skip
    second = iaca(
        record("3-1", day(ago(2)), of("3"), AmendmentType="Continuation", **amend),
        record("4-1", day(ago(9)), of("4"), AmendmentType="TerminationSecuredParty", **amend),
        encoding="utf-8",
    )
    new, old = party("Debtor", "PECAN ORCHARD LLC"), "PECAN GROVE LLC"
    current = f"<CurrentName><OrganizationName>{old}</OrganizationName></CurrentName>"
    change = {"AmendmentType": "AmendmentParties", "AmendmentAction": "DebtorChange"} | amend
    third = iaca(record("5-1", day(ago(3)), of("5"), current, new, **change))
    return [first, second, third]


TEXAS: list[Row] = [
    ("LONE STAR DINER", "certain", 2, False, False),
    ("PECAN ORCHARD LLC", "none", 0, False, True),
    ("BLUEBONNET SPA LLC", "none", 0, False, False),
    ("MESQUITE STEEL LLC", "none", 0, False, False),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "order"), [("TX", (0, 1, 2)), ("NM", (2, 1, 0)), ("LA", (1, 2, 0))]
)
async def test_iaca(
    platform: Platform, session: aiohttp.ClientSession, state: str, order: tuple[int, ...]
) -> None:
    files = tx_files()
    for at in order:
        await take(platform, session, {f"{at}.xml": files[at]}, format="iaca", state=state)
    assert same_order(await ranked(platform, session, state), TEXAS)


def same_order(found: list[Row], expected: list[Row]) -> bool:
    """The same prospects; stacked and then renewing ones lead, others may have equal scores."""
    assert sorted(found) == sorted(expected), found
    leading = [row for row in expected if row[2] or row[3]]
    assert found[: len(leading)] == leading, found
    return True
