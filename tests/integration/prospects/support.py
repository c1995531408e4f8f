"""The service as a process of its own, and names that these tests share."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from aiohttp.test_utils import TestClient

from services.common.http import token
from services.common.types import Role
from services.prospects.settings import ProspectsSettings
from tests.stack.ports import free_port
from tests.support.stack import TestDatabase
from tests.support.waiting import until

Client = TestClient[web.Request, web.Application]


def bearer(settings: ProspectsSettings, role: Role) -> dict[str, str]:
    """The header of a caller with this role."""
    return {"Authorization": f"Bearer {token.make(settings, role)}"}


@dataclass(frozen=True)
class Answer:
    """Status, headers and JSON of an answer."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def pointers(self) -> list[str]:
        """Places of the invalid inputs."""
        return [error["pointer"] for error in self.body["errors"]]


@dataclass(frozen=True)
class Desk:
    """The service on a database of its own; `ann` and `bob` are analysts."""

    client: Client
    settings: ProspectsSettings
    database: TestDatabase

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        user: str = "ann",
        role: Role = Role.ANALYST,
        **headers: str,
    ) -> Answer:
        """Ask as this user; `path` begins behind /api/prospects."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        token_of = {"Authorization": f"Bearer {token.make(self.settings, role, user)}"}
        address = f"/api/prospects{path}"
        async with self.client.request(
            method, address, json=body, headers=token_of | named
        ) as answer:
            raw = await answer.read()
            return Answer(answer.status, answer.headers, orjson.loads(raw) if raw else None)

    async def make(self, name: str = "Blue Cafe LLC", **fields: object) -> str:
        """A prospect made by hand; its id."""
        given = {"company_name": name, "state": "CO", "industry": "retail"} | fields
        made = await self.call("POST", "", given)
        assert made.status == 201, made.body
        return str(made.body["id"])

    def debtor(self, number: int = 1, **columns: object) -> str:
        """A prospect as ingestion makes it; its id."""
        [made] = self.debtors([number], **columns)
        return made

    def debtors(self, numbers: Iterable[int], **columns: object) -> list[str]:
        """Prospects as ingestion makes them; their ids."""
        made = [_debtor(number, columns) for number in numbers]
        self.database.psql(";".join(sql for _, sql in made))
        return [id_ for id_, _ in made]

    async def history(self, prospect_id: str) -> list[dict[str, Any]]:
        """The audit trail of a prospect, oldest first."""
        answer = await self.call("GET", f"/{prospect_id}/history", role=Role.VIEWER)
        changes: list[dict[str, Any]] = answer.body["history"][::-1]
        return changes


def _debtor(number: int, columns: dict[str, object]) -> tuple[str, str]:
    """Id and SQL of a prospect."""
    values = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "debtor_key": f"CO:DEBTOR{number}",
        "company_name": f"Debtor {number} LLC",
        "name_key": f"DEBTOR{number}",
        "state": "CO",
    } | columns
    literals = ", ".join(f"'{value}'" for value in values.values())
    sql = (
        f"INSERT INTO prospects ({', '.join(values)}) VALUES ({literals});"
        f"INSERT INTO prospect_work (prospect_id) VALUES ('{values['id']}')"
    )
    return str(values["id"]), sql


@dataclass(frozen=True)
class Running:
    """A running service: its process and base URL."""

    process: Process
    url: str

    async def answers(self, path: str, status: int = 200) -> bool:
        """Whether a GET is answered with `status`."""
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
                return answer.status == status
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(environment: Mapping[str, str], *arguments: str) -> AsyncIterator[Running]:
    """`python -m services.prospects`, from when it answers until the end of the block."""
    port = free_port()
    env = {**os.environ, "NOT_READY_S": "0.2", **environment, "PORT": str(port)}
    module = ("-m", "services.prospects", *arguments)
    process = await asyncio.create_subprocess_exec(sys.executable, *module, env=env, stdout=DEVNULL)
    service = Running(process, f"http://127.0.0.1:{port}")
    try:
        await until(lambda: service.answers("/health/live"))
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
