"""Callers of the prospects API who go on asking while its parts break, and judge what they get.

A read that is answered must be whole and right. A write is repeated, as clients do, until it is
told something definite; then it must have happened once, with one entry in the audit trail.
"""

import asyncio
import csv
import io
import itertools
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
import orjson

from services.common.config import JwtSettings
from services.common.http import token
from services.common.types import Role
from tests.support.stack import TestStack, psql
from tests.support.waiting import PATIENCE_S

READ, CLAIMED, OWNED = 2500, 4000, 400
"""Prospects that are only read (CO: more than a page of an export), claimed (OR), patched (CT)."""

CALLERS = 16
RACERS = 4
"""Callers who want the same prospect."""

DEADLINE_S = 7.0
"""REQUEST_DEADLINE_S of the processes under test: longer than PgBouncer lets a query wait."""

BOUND_S = DEADLINE_S + 8.0
"""An answer comes by then: a second to end the query, one to ask who is away; a busy machine."""

AGAIN_S = 0.1
BROKEN_OFF = 0
MIX = "get list claim get patch create get list get claim get patch list get create get".split()
_SEED = f"""
INSERT INTO prospects (id, company_name, name_key, state, priority_score)
SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Company ' || n,
       'COMPANY' || n,
       CASE WHEN n < {READ} THEN 'CO' WHEN n < {READ + CLAIMED} THEN 'OR' ELSE 'CT' END, n % 101
FROM generate_series(0, {READ + CLAIMED + OWNED - 1}) AS n;
INSERT INTO prospect_work (prospect_id) SELECT id FROM prospects;
ANALYZE prospects;
"""


def ident(number: int) -> str:
    """The id of a seeded prospect."""
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass(frozen=True)
class Answer:
    """What a process (its URL) told a caller of `subject`; the body of an error is its problem."""

    kind: str
    user: str
    process: str
    subject: str
    sent: float
    seconds: float
    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def refused(self) -> bool:
        """Nothing is known: ask again."""
        return self.status in (503, 429)

    @property
    def definite(self) -> bool:
        """Neither a refusal nor "your first request is still running"."""
        running = self.status == 409 and self.body["code"] == "idempotency_in_progress"
        return self.status != BROKEN_OFF and not self.refused and not running

    def __str__(self) -> str:
        told = self.body if self.status >= 400 else ""
        return (
            f"{self.kind} {self.subject} by {self.user}: {self.status} {self.seconds:.1f} s {told}"
        )


class Place:
    """The stack whose parts break, the processes of the service on it, and its seeded database."""

    def __init__(self, stack: TestStack, urls: list[str]) -> None:
        self.stack = stack
        self.urls = urls
        self.settings = JwtSettings.model_validate(
            {"jwt_secret": stack.environment()["JWT_SECRET"]}
        )
        self.claimable = iter(range(READ, READ + CLAIMED))
        self.owned = iter(range(READ + CLAIMED, READ + CLAIMED + OWNED))
        self.sql(_SEED)

    def sql(self, text: str) -> str:
        """Run SQL directly on PostgreSQL."""
        return psql(self.stack.environment()["DATABASE_DIRECT_URL"], text)

    def rows(self, select: str) -> list[dict[str, Any]]:
        """Rows of a SELECT."""
        found = self.sql(f"SELECT coalesce(json_agg(row_to_json(t)), '[]') FROM ({select}) AS t")
        rows: list[dict[str, Any]] = json.loads(found)
        return rows

    def bearer(self, user: str, role: Role = Role.ANALYST) -> dict[str, str]:
        """The header of a caller."""
        return {"Authorization": f"Bearer {token.make(self.settings, role, user)}"}

    def session(self, number: int, user: str, role: Role = Role.ANALYST) -> aiohttp.ClientSession:
        """A connection of its own to one of the processes; what hangs raises TimeoutError."""
        return aiohttp.ClientSession(
            self.urls[number % len(self.urls)],
            headers=self.bearer(user, role),
            connector=aiohttp.TCPConnector(limit=1),
            timeout=aiohttp.ClientTimeout(total=2 * BOUND_S),
        )


@dataclass
class Caller:
    """One who asks without pause, for one thing at a time."""

    place: Place
    user: str
    session: aiohttp.ClientSession
    own: str
    targets: Callable[[], str]
    answers: list[Answer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def work(self, first: int, done: asyncio.Event) -> None:
        """Ask one after the other until `done`, and to a definite end."""
        kinds = itertools.cycle(MIX[first:] + MIX[:first])
        for turn in itertools.count(first):
            if done.is_set():
                return
            kind = "export" if turn % 40 == 39 else next(kinds)
            answer = await getattr(self, f"_{kind}")()
            if answer.refused:
                await asyncio.sleep(AGAIN_S)

    async def ask(
        self, method: str, path: str, subject: str, body: object = None, **options: Any
    ) -> Answer:
        """One request; `kind` and `headers` are options."""
        sent, kind = time.monotonic(), options.pop("kind")
        status, headers, raw, process = BROKEN_OFF, {}, b"", ""
        request = self.session.request(method, f"/api/prospects{path}", json=body, **options)
        try:
            async with request as response:
                headers, process = dict(response.headers), str(response.url.origin())
                raw = await response.read()
                status = response.status
        except aiohttp.ClientPayloadError:
            pass
        known = orjson.loads(raw) if "json" in headers.get("Content-Type", "") and raw else raw
        seconds = time.monotonic() - sent
        answer = Answer(kind, self.user, process, subject, sent, seconds, status, headers, known)
        self.answers.append(answer)
        return answer

    async def settled(
        self, method: str, path: str, subject: str, *body: object, **options: Any
    ) -> Answer:
        """The definite answer to a write that is repeated until there is one."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = await self.ask(method, path, subject, *body, **options)
                if answer.definite:
                    return answer
                await asyncio.sleep(AGAIN_S)

    async def _list(self) -> Answer:
        answer = await self.ask("GET", "?state=CO&limit=50", "CO", kind="list")
        if answer.status == 200:
            shown = answer.body["prospects"]
            scores = [each["priority_score"] for each in shown]
            assert (len(shown), scores) == (50, sorted(scores, reverse=True))
            assert answer.body["pagination"]["total"] == READ
        return answer

    async def _get(self) -> Answer:
        number = next(self.numbers) % READ
        answer = await self.ask("GET", f"/{ident(number)}", ident(number), kind="get")
        if answer.status == 200:
            shown = answer.body["id"], answer.body["company_name"]
            assert shown == (ident(number), f"Company {number}")
        return answer

    async def _export(self) -> Answer:
        asked = {"format": "csv", "filter": {"state": "CO"}}
        answer = await self.ask("POST", "/export", "CO", asked, kind="export")
        if answer.status == 200:
            rows = csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
            assert sorted(row["id"] for row in rows) == [ident(n) for n in range(READ)]
        return answer

    async def _patch(self) -> Answer:
        self.notes.append(f"note {next(self.numbers)}")
        body = {"notes": self.notes[-1]}
        answer = await self.settled("PATCH", f"/{self.own}", self.own, body, kind="patch")
        assert (answer.status, answer.body.get("notes")) == (200, self.notes[-1]), answer
        return answer

    async def _claim(self) -> Answer:
        return await self.claim(self.targets())

    async def claim(self, target: str) -> Answer:
        """Won, or told by whom it is held."""
        answer = await self.settled("POST", f"/{target}/claim", target, kind="claim")
        assert answer.status in (200, 409), answer
        assert (answer.body["claimed_by"] == self.user) == (answer.status == 200), answer
        return answer

    async def _create(self) -> Answer:
        name = f"{self.user} no {next(self.numbers)} LLC"
        key = {"Idempotency-Key": uuid.uuid4().hex}
        body = {"company_name": name, "state": "TX", "industry": "retail"}
        answer = await self.settled("POST", "", name, body, kind="create", headers=key)
        assert (answer.status, answer.body.get("company_name")) == (201, name), answer
        return answer


class Crowd:
    """Callers at work from `async with` on until its end, when each has a definite answer."""

    def __init__(self, place: Place, callers: int = CALLERS) -> None:
        self.place = place
        self._prefix = uuid.uuid4().hex[:6]
        self._number = callers
        self._done = asyncio.Event()
        self._opened = AsyncExitStack()
        self._claims = itertools.count()
        self._target = ""
        self.callers: list[Caller] = []

    async def __aenter__(self) -> Self:
        for number in range(self._number):
            user = f"{self._prefix}-{number}"
            session = await self._opened.enter_async_context(self.place.session(number, user))
            own = ident(next(self.place.owned))
            self.callers.append(Caller(self.place, user, session, own, self._next_target))
        self._tasks = [
            asyncio.create_task(caller.work(number, self._done))
            for number, caller in enumerate(self.callers)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._done.set()
        try:
            await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._opened.aclose()

    async def until(self, met: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
        """Let the callers go on until `met`, or until one of them has failed."""
        end = time.monotonic() + seconds
        while not met() and not any(task.done() for task in self._tasks):
            assert time.monotonic() < end, f"not within {seconds} s"
            await asyncio.sleep(0.05)

    def _next_target(self) -> str:
        if next(self._claims) % RACERS == 0:
            self._target = ident(next(self.place.claimable))
        return self._target

    @property
    def answers(self) -> list[Answer]:
        """All answers, in the order in which they were asked for."""
        return sorted((a for c in self.callers for a in c.answers), key=lambda answer: answer.sent)

    def told(self) -> Counter[tuple[str, int]]:
        """How often which kind was answered with which status."""
        return Counter((answer.kind, answer.status) for answer in self.answers)
