"""The sample register as a process of its own: started, made to misbehave, asked what it met."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import orjson

from tests.support.processes import process

LOG_S = 30.0
FILINGS = "wffy-3uut"
CALM = {"fail_next": 0, "truncate_next": 0, "slow_ms": 0, "retry_after": None}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for rows as the register's access log has it; `at` is when it was answered."""

    dataset: str
    params: dict[str, str]
    status: int
    at: datetime

    @property
    def is_page(self) -> bool:
        """Whether it asks for a page of filings, not for one row nor for certain filings."""
        named = " in (" in self.params.get("$where", "")
        return self.dataset == FILINGS and not named and self.params["$limit"] != "1"


@dataclass(frozen=True)
class Register:
    """A running sample register."""

    url: str
    log: Path | None = None

    async def control(self, **switches: object) -> dict[str, Any]:
        """Set fault switches; the switches and counts as they are now."""
        address = f"{self.url}/_control"
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, json=switches) as answer,
        ):
            assert answer.status == 200, await answer.text()
            state: dict[str, Any] = await answer.json()
            return state

    async def asked(self) -> list[Asked]:
        """Every request for rows so far, once the access log has caught up with the counter."""
        assert self.log is not None
        requests = (await self.control())["requests"]
        async with asyncio.timeout(LOG_S):
            while True:
                lines = [orjson.loads(line) for line in self.log.read_bytes().splitlines()]
                found = [
                    line for line in lines if "/resource/" in line.get("first_request_line", "")
                ]
                if len(found) >= requests:
                    return [_asked(line) for line in found]
                await asyncio.sleep(0.01)


def _asked(line: Mapping[str, Any]) -> Asked:
    parts = urlsplit(line["first_request_line"].split()[1])
    (dataset,) = re.findall(r"/resource/([\w-]+)\.json", parts.path)
    at = datetime.fromisoformat(line["ts"])
    return Asked(dataset, dict(parse_qsl(parts.query)), int(line["response_status"]), at)


@contextmanager
def sample_register(folder: Path, **settings: object) -> Iterator[Register]:
    """`python -m services.sample_register`, from when it answers until the end of the block."""
    given = {name.upper(): str(value) for name, value in settings.items()}
    environment = given | {"SAMPLE_ACCESS_LOG": "true"}
    with process("services.sample_register", environment, folder) as running:
        yield Register(running.url, running.log)
