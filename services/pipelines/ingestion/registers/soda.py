"""HTTP to a Socrata register (SODA 2.1): polite, patient, and plain about what it cannot get.

dev.socrata.com: `$limit` 50,000 at most, order is never implied, throttling is 429. A request is
tried again after 429, 5xx, timeouts and broken bodies, with full jitter and Retry-After; every
other 4xx is final.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import orjson

from services.common import metrics, pauses
from services.common.errors import SourceRejected, SourceUnavailable
from services.common.http.waits import asked_wait
from services.pipelines.ingestion.registers.salvage import Salvaged, salvage, split_rows

PAGE_MAX = 50_000
IN_MAX = 500
AGAIN = frozenset((202, 408, 425, 429))
"""Statuses that may pass: Socrata answers 202 while it still works on a query."""
URL_MAX = 6_000
"""Characters of an IN list: many servers refuse a request line over 8 KB."""
USER_AGENT = "ucc-intel (public UCC filings)"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to bother: seconds, and numbers of tries."""

    tries: int = 6
    body_tries: int = 3
    first_s: float = 1.0
    most_s: float = 60.0
    timeout_s: float = 120.0
    side_by_side: int = 6


class _Again(Exception):
    """A try that failed in a way that may pass; `wait_s` is what the source asked for."""

    def __init__(self, outcome: str, why: str, wait_s: float = 0.0) -> None:
        self.outcome, self.why, self.wait_s = outcome, why, wait_s
        super().__init__(why)


class SodaClient:
    """Reads data sets of one host. Not for writing; safe to share between tasks."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        source: str,
        rate: float | None = 4.0,
        app_token: str | None = None,
        patience: Patience = Patience(),
        again: frozenset[int] = AGAIN,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`rate` in requests a second, None for no limit; `again` are statuses that may pass.

        `clock`, `now` and `sleep` are for tests.
        """
        self._session, self._base, self._source = session, base_url.rstrip("/"), source
        self._interval = 1 / rate if rate else 0.0
        self._headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if app_token:
            self._headers["X-App-Token"] = app_token
        self._patience, self._again = patience, again
        self._clock, self._now, self._sleep, self._jitter = clock, now, sleep, jitter
        self._free_at = 0.0
        self._slots = asyncio.Semaphore(patience.side_by_side)

    async def rows(
        self, dataset: str, *, order: str, limit: int, offset: int = 0, where: str | None = None
    ) -> tuple[Salvaged, bool]:
        """One page of a data set, and whether it is full, so that another may follow.

        Bad rows are told apart, the good ones kept; what a cut body lacks is asked for again.
        Raises SourceUnavailable and SourceRejected.
        """
        whole = Salvaged()
        got = 0
        mended = False
        while got < limit:
            params = {"$order": order, "$limit": str(limit - got), "$offset": str(offset + got)}
            if where:
                params["$where"] = where
            part, sound = await self._page(dataset, params)
            whole.rows += part.rows
            whole.rejected += part.rejected
            mended = mended or not sound
            got += len(part.rows) + len(part.rejected)
            if not part.cut:
                break
        # A piece that could not be split may hide several rows, so the count says nothing then.
        return whole, got >= limit or mended

    async def all_rows(self, dataset: str, *, order: str, where: str) -> Salvaged:
        """Every row that fits a condition, page after page."""
        whole = Salvaged()
        offset, full = 0, True
        while full:
            page, full = await self.rows(
                dataset, order=order, where=where, limit=PAGE_MAX, offset=offset
            )
            whole.rows += page.rows
            whole.rejected += page.rejected
            offset += PAGE_MAX
        return whole

    async def matching(
        self, dataset: str, column: str, values: Iterable[str], *, order: str
    ) -> Salvaged:
        """Every row whose column holds one of the values: IN lists in chunks, side by side."""
        conditions = [f"{column} in ({part})" for part in _in_lists(list(dict.fromkeys(values)))]
        pages = await together(
            *(self.all_rows(dataset, order=order, where=where) for where in conditions)
        )
        whole = Salvaged()
        for page in pages:
            whole.rows += page.rows
            whole.rejected += page.rejected
        return whole

    async def _page(self, dataset: str, params: dict[str, str]) -> tuple[Salvaged, bool]:
        """One answer, tried until it is JSON, then as it is; and whether it was sound JSON."""
        path = f"/resource/{dataset}.json"
        broken = b""
        for attempt in range(self._patience.body_tries):
            if attempt:
                await self._back_off(attempt)
            broken = await self.get(path, params)
            try:
                rows = orjson.loads(broken)
            except orjson.JSONDecodeError:
                metrics.source_requests_total.labels(self._source, "broken_body").inc()
                continue
            if not isinstance(rows, list):
                raise SourceUnavailable(self._says(path, f"sent no rows but {broken[:200]!r}"))
            return split_rows(dataset, rows), True
        found = salvage(dataset, broken)
        if found.cut and not (found.rows or found.rejected):
            raise SourceUnavailable(self._says(path, "sends bodies cut short: try again later"))
        return found, False

    async def get(self, path: str, params: dict[str, str]) -> bytes:
        """The body of a 200, after as many tries as patience has.

        Raises SourceUnavailable, and SourceRejected with the status as `extra["answered"]`.
        """
        failure = _Again("none", "was not asked")
        for attempt in range(self._patience.tries):
            if attempt:
                await self._back_off(attempt, failure.wait_s)
            try:
                async with self._turn():
                    return await self._try(path, params)
            except _Again as again:
                metrics.source_requests_total.labels(self._source, again.outcome).inc()
                failure = again
        raise SourceUnavailable(
            self._says(path, f"{failure.why}, {self._patience.tries} times. {self._remedy()}"),
            retry_after=failure.wait_s or None,
        )

    async def _try(self, path: str, params: dict[str, str]) -> bytes:
        timeout = aiohttp.ClientTimeout(total=self._patience.timeout_s, sock_connect=15)
        started = self._clock()
        try:
            async with self._session.get(
                self._base + path, params=params, headers=self._headers, timeout=timeout
            ) as response:
                body = await response.read()
        except TimeoutError:
            raise _Again("timeout", f"did not answer in {self._patience.timeout_s:g} s") from None
        except aiohttp.ClientPayloadError:
            raise _Again("broken_body", "broke off in the middle of a body") from None
        except (aiohttp.ClientConnectionError, OSError) as exc:
            raise _Again("unreachable", f"cannot be reached ({exc})") from None
        finally:
            metrics.source_request_seconds.labels(self._source).observe(self._clock() - started)
        self._judge(path, response.status, response.headers.get("Retry-After"), body)
        metrics.source_requests_total.labels(self._source, "ok").inc()
        return body

    def _judge(self, path: str, status: int, retry_after: str | None, body: bytes) -> None:
        """Pass a 200; anything else is "again" or final."""
        if status == 200:
            return
        if status in self._again or status >= 500:
            outcome = "throttled" if status == 429 else "server_error"
            wait_s = asked_wait(retry_after, self._now(), self._patience.most_s)
            raise _Again(outcome, f"answered {status}", wait_s)
        metrics.source_requests_total.labels(self._source, "rejected").inc()
        told = body[:300].decode("utf-8", "replace").strip()
        raise SourceRejected(self._says(path, f"answered {status}: {told}"), answered=status)

    async def _back_off(self, attempt: int, asked_s: float = 0.0) -> None:
        ceiling = pauses.longest(attempt, self._patience.first_s, self._patience.most_s)
        if asked_s:
            # The source asked for quiet: no other request of this process goes out before.
            self._free_at = max(self._free_at, self._clock() + asked_s)
        await self._sleep(max(asked_s, self._jitter(0, ceiling)))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """A place among the requests in flight, at the source's rate."""
        async with self._slots:
            now = self._clock()
            at = max(now, self._free_at)
            self._free_at = at + self._interval
            if at > now:
                await self._sleep(at - now)
            yield

    def _says(self, path: str, what: str) -> str:
        return f"{urlsplit(self._base).netloc} ({path}) {what}"

    def _remedy(self) -> str:
        name = self._source.upper()
        return (
            f"Try again later, lower SOURCE_{name}_RATE, or set SOURCE_{name}_URL to a host that "
            "can be reached from here."
        )


async def together(*work: Awaitable[Salvaged]) -> list[Salvaged]:
    """Answers side by side; where one fails the others are stopped, not left asking."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _in_lists(values: Sequence[str]) -> Iterator[str]:
    """Quoted values separated by commas, in pieces that fit a URL."""
    piece: list[str] = []
    size = 0
    for value in values:
        quoted = "'" + value.replace("'", "''") + "'"
        if piece and (len(piece) >= IN_MAX or size + len(quoted) >= URL_MAX):
            yield ",".join(piece)
            piece, size = [], 0
        piece.append(quoted)
        size += len(quoted) + 1
    if piece:
        yield ",".join(piece)
