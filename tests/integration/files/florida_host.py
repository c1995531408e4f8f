"""A stand-in of Florida's downloads: a day or all, zips behind addresses, and faults on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.unloads import FL_NAMES, Files, zipped

TABLES = {"Filings": "filings", "Debtors": "debtors", "Secureds": "secureds", "Events": "events"}


@dataclass
class FloridaHost:
    """`days` holds the files of a day (MM/DD/YYYY) or of everything (""); `faults` come first."""

    through: str = "2026-10-30"
    days: dict[str, Files] = field(default_factory=dict)
    faults: list[int] = field(default_factory=list)
    elsewhere: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    async def completed(self, _request: web.Request) -> web.Response:
        """The last whole day."""
        return web.json_response({"payload": f"{self.through}T00:00:00"})

    async def downloads(self, request: web.Request) -> web.Response:
        """The address of a zip, 400 where that day has none."""
        query = request.query
        if self.faults:
            return web.Response(status=self.faults.pop(0))
        whole = query["downloadType"] == "FULL"
        day, kind = "" if whole else query["fileDate"], query["fileType"]
        self.asked.append((day, kind))
        name = FL_NAMES[TABLES[kind]]
        if name not in self.days.get(day, {}):
            return web.json_response({"message": "no file"}, status=400)
        base = self.elsewhere or self.url
        place = day.replace("/", "-") or "full"
        return web.json_response({"payload": f"{base}/files/{place}/{name}?sig=1"})

    async def file(self, request: web.Request) -> web.Response:
        """A zip."""
        day = request.match_info["day"].replace("-", "/").removeprefix("full")
        name = request.match_info["name"]
        return web.Response(body=zipped({name: self.days[day][name]}))


@asynccontextmanager
async def florida_host() -> AsyncIterator[FloridaHost]:
    """A stand-in that answers at `url`."""
    host = FloridaHost()
    app = web.Application()
    app.router.add_get("/filings-completed-through-date", host.completed)
    app.router.add_get("/Downloads", host.downloads)
    app.router.add_get("/files/{day}/{name}", host.file)
    async with TestServer(app) as server:
        host.url = str(server.make_url("")).rstrip("/")
        yield host
