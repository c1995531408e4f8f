"""An Excel file that is too long for a request: asked for, made by the worker, fetched, gone."""

import pytest

from services.common.types import Role
from tests.integration.prospects.exports import ask, export, trail
from tests.integration.prospects.support import Desk
from tests.integration.prospects.test_export_files import SEED
from tests.integration.scoring.test_workers import pipeline
from tests.support.waiting import until

EXPORT = "/exports/00000000-0000-4000-8000-000000000001"


@pytest.fixture
def desk_of_60(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The service on sixty prospects, where more than ten are too many for a request."""
    desk.database.psql(SEED.read_text())
    monkeypatch.setattr("services.prospects.export.SHEET_ROWS", 10)
    monkeypatch.setattr("services.prospects.export_store.PAGE", 7)
    return desk


async def order(desk: Desk) -> str:
    """Ask for a file of forty; its address below /api/prospects."""
    asked = await export(desk, "xlsx", filter={"min_score": 25, "status": "all"})
    assert asked.status == 202
    assert asked.headers["Location"] == f"/api/prospects/exports/{asked.json['id']}"
    return f"/exports/{asked.json['id']}"


async def test_the_worker_makes_the_file(
    desk_of_60: Desk, environment: dict[str, str], topics: str
) -> None:
    where = await order(desk_of_60)
    asked = (await ask(desk_of_60, "GET", where)).json
    assert (asked["state"], asked["rows"], asked["size"]) == ("queued", 45, None)
    assert (await ask(desk_of_60, "GET", f"{where}/file")).status == 409

    async def ready() -> bool:
        return bool((await ask(desk_of_60, "GET", where)).json["state"] == "ready")

    async with pipeline("maintenance", environment):
        await until(ready)

    made = (await ask(desk_of_60, "GET", where)).json
    file = await ask(desk_of_60, "GET", made["download"])
    head = await ask(desk_of_60, "HEAD", made["download"])
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(made["size"]), b"")
    listed = await desk_of_60.call("GET", "?limit=100&min_score=25")
    ids = [f"inlineStr:{item['id']}" for item in listed.body["prospects"]]
    assert [row["id"] for row in file.sheet] == ids
    assert file.headers["Content-Length"] == str(made["size"]) == str(len(file.body))
    assert file.headers["Content-Disposition"].endswith('.xlsx"')
    done = [
        (who.partition(":")[0], what, after["rows"])
        for who, what, after in trail(desk_of_60.database)
    ]
    fetched = ("ann", "download", 45)
    assert done == [("ann", "begin_export", 45), ("job", "export", 45), fetched, fetched]
    assert desk_of_60.database.psql("SELECT count(*) FROM export_parts") == "0"


async def test_only_its_owner_and_admins_see_it(desk_of_60: Desk) -> None:
    where = await order(desk_of_60)
    for path in (where, f"{where}/file"):
        assert (await ask(desk_of_60, "GET", path, user="bob")).status == 403
        found = await ask(desk_of_60, "GET", path, user="eve", role=Role.ADMIN)
        assert found.status == (200 if path == where else 409)


async def test_it_is_gone_after_its_day(desk_of_60: Desk) -> None:
    where = await order(desk_of_60)
    desk_of_60.database.psql(
        "UPDATE exports SET size = 1, finished_at = now(), expires_at = now() - interval '1 second'"
    )
    assert (await ask(desk_of_60, "GET", where)).status == 410
    assert (await ask(desk_of_60, "GET", f"{where}/file")).status == 410


async def test_a_dead_job_is_told(desk_of_60: Desk) -> None:
    where = await order(desk_of_60)
    desk_of_60.database.psql(
        "UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE kind = 'export'"
    )
    assert (await ask(desk_of_60, "GET", where)).json["state"] == "failed"
    assert (await ask(desk_of_60, "GET", f"{where}/file")).status == 409


async def test_what_does_not_exist_is_not_found(desk: Desk) -> None:
    assert (await ask(desk, "GET", EXPORT)).status == 404
    assert (await ask(desk, "GET", f"{EXPORT}/file")).status == 404


async def test_by_ids_no_job_is_needed(desk_of_60: Desk) -> None:
    ids = [f"00000000-0000-4000-8000-{i:012}" for i in range(1, 21)]
    file = await export(desk_of_60, "xlsx", prospect_ids=ids)
    assert (file.status, len(file.sheet)) == (200, 20)
