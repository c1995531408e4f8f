"""HTTP to an outside source: one question after another, at its rate, within its quota.

A question is asked once a day (answers.py); before it goes out it passes the breaker, the gate
that keeps the rate of all workers, and the quota of the month. It is tried again after 429, 5xx,
timeouts and bodies that are not what the source documents; every other 4xx is final.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import orjson

from services.common import metrics, pauses
from services.common.config import source_url
from services.common.errors import AppError, SourceRejected, SourceUnavailable
from services.common.http.waits import asked_wait
from services.pipelines.enrichment.signals.answers import Answer, Answers
from services.pipelines.enrichment.signals.breaker import Breaker
from services.pipelines.enrichment.signals.gate import Gate
from services.pipelines.enrichment.signals.reading import BadShape

T = TypeVar("T")
Read = Callable[[Any], T]
USER_AGENT = "ucc-intel (public UCC filings)"
LARGEST = 16 << 20
SHOWN = 120
LONGEST_WAIT_S = 3600.0


class QuotaUsed(AppError, status=429):
    """The requests that this source may be asked in a month are used up."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to bother: seconds, and numbers of tries; a slow source is tried less often.

    `redis_s`: how long a job waits for a Redis that is away before it steps back.
    """

    tries: int = 3
    slow_tries: int = 2
    first_s: float = 1.0
    most_s: float = 30.0
    timeout_s: float = 20.0
    redis_s: float = 60.0


@dataclass(frozen=True, slots=True)
class _Question:
    """A request without what is secret: that stays out of keys, messages and logs."""

    url: str
    params: Mapping[str, str]
    body: bytes | None

    def key(self, source: str) -> str:
        asked = orjson.dumps([self.url, sorted(self.params.items())]) + (self.body or b"")
        return f"{source}:{blake2b(asked, digest_size=16).hexdigest()}"


class _Again(Exception):
    """A try that failed in a way that may pass; `wait_s` is what the source asked for."""

    def __init__(self, outcome: str, why: str, wait_s: float = 0.0) -> None:
        self.outcome, self.why, self.wait_s = outcome, why, wait_s
        super().__init__(why)


async def _no_quota() -> bool:
    return True


@dataclass(slots=True)
class Client:
    """Asks one source. `take` counts a request against the month's quota, False: used up.

    `headers` and `secrets` (parameters) go with every request. Safe to share between tasks.
    """

    session: aiohttp.ClientSession
    source: str
    gate: Gate
    answers: Answers
    breaker: Breaker = field(default_factory=Breaker)
    take: Callable[[], Awaitable[bool]] = _no_quota
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float, float], float] = random.uniform

    async def get(self, url: str, params: Mapping[str, str], read: Read[T]) -> T:
        """What `read` makes of the answer's JSON, None for an empty one; BadShape: asked again.

        `url` is the documented one; SOURCE_<NAME>_URL replaces its scheme and host. Raises
        SourceUnavailable, SourceRejected, QuotaUsed and RedisAway.
        """
        return await self._ask(_Question(source_url(self.source, url), params, None), read)

    async def post(self, url: str, body: Mapping[str, Any], read: Read[T]) -> T:
        """`get` for a search that is sent as a JSON body."""
        question = _Question(source_url(self.source, url), {}, orjson.dumps(body))
        return await self._ask(question, read)

    async def _ask(self, question: _Question, read: Read[T]) -> T:
        key = question.key(self.source)
        kept = await self.answers.get(key)
        if kept and self.answers.fresh(kept, self.now()):
            self._count("cached")
            return read(_parsed(kept.body))
        if rest := self.breaker.admit():
            self._count("resting")
            raise SourceUnavailable(
                f"{self.source} failed several times in a row: it is asked again in {rest:.0f} s",
                retry_after=rest,
            )
        try:
            answer, told = await self._persist(question, read, kept)
        finally:
            self.breaker.unknown()
        await self.answers.put(key, answer)
        return told

    async def _persist(
        self, question: _Question, read: Read[T], kept: Answer | None
    ) -> tuple[Answer, T]:
        failure = _Again("none", "was not asked")
        for attempt in range(self.patience.tries):
            if attempt:
                await self._back_off(attempt, failure.wait_s)
            await self.gate.turn()
            if not await self.take():
                self._count("quota")
                raise QuotaUsed(f"The monthly quota of {self.source} is used up")
            try:
                answer = await self._try(question, kept)
                told = read(_parsed(answer.body))
            except _Again as again:
                failure = again
            except BadShape as exc:
                failure = _Again("broken_body", str(exc))
            else:
                self.breaker.succeeded()
                return answer, told
            self._count(failure.outcome)
            slow = failure.outcome == "timeout" and attempt + 1 >= self.patience.slow_tries
            if slow or failure.wait_s > self.gate.longest_s:
                break
        self.breaker.failed()
        raise SourceUnavailable(
            self._says(question, f"{failure.why}. {self._remedy()}"),
            retry_after=failure.wait_s or None,
        )

    async def _try(self, question: _Question, kept: Answer | None) -> Answer:
        """One request: the answer of a 200, 204 or 304; raises _Again and SourceRejected."""
        started = time.perf_counter()
        try:
            async with self._send(question, kept) as response:
                body = await _read(response)
                status, headers = response.status, response.headers
        except TimeoutError:
            raise _Again("timeout", f"did not answer in {self.patience.timeout_s:g} s") from None
        except aiohttp.ClientPayloadError:
            raise _Again("broken_body", "broke off in the middle of a body") from None
        except (aiohttp.ClientError, OSError) as exc:
            # not the error's own text: it may hold the address, and with it a key
            raise _Again("unreachable", f"cannot be reached ({type(exc).__name__})") from None
        finally:
            metrics.source_request_seconds.labels(self.source).observe(
                time.perf_counter() - started
            )
        if status == 304 and kept:
            self._count("not_modified")
            return kept.again(self.now())
        await self._judge(question, status, headers, body)
        self._count("ok" if body.strip() else "empty")
        return Answer.of(body, self.now(), headers)

    def _send(self, question: _Question, kept: Answer | None) -> Any:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, **self.headers}
        if question.body is not None:
            headers["Content-Type"] = "application/json"
        elif kept:
            headers |= kept.conditions
        return self.session.request(
            "GET" if question.body is None else "POST",
            question.url,
            params={**question.params, **self.secrets},
            data=question.body,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self.patience.timeout_s, sock_connect=10),
            # data hosts move; but a key goes nowhere it was not meant for, nor does a search
            allow_redirects=question.body is None and not self.secrets,
            max_redirects=3,
        )

    async def _judge(
        self, question: _Question, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Pass a 200 and a 204; anything else is "again" or final."""
        if status in (200, 204):
            return
        # Socrata answers 202 while it still works on a query.
        if status in (202, 408, 425, 429) or status >= 500:
            wait_s = asked_wait(headers.get("Retry-After"), self.now(), LONGEST_WAIT_S)
            if wait_s:
                await self.gate.hush(wait_s)
            outcome = "throttled" if status == 429 else "server_error"
            raise _Again(outcome, f"answered {status}", wait_s)
        self._count("rejected")
        if status in (401, 403):
            self.breaker.failed(for_good=True)
        told = body[:SHOWN].decode("utf-8", "replace").strip()
        raise SourceRejected(self._says(question, f"answered {status}: {self._without_keys(told)}"))

    async def _back_off(self, attempt: int, asked_s: float) -> None:
        """Full jitter; what the source asked for is waited out at the gate."""
        ceiling = pauses.longest(attempt, self.patience.first_s, self.patience.most_s)
        if not asked_s:
            await self.sleep(self.jitter(0, ceiling))

    def _count(self, outcome: str) -> None:
        metrics.source_requests_total.labels(self.source, outcome).inc()

    def _says(self, question: _Question, what: str) -> str:
        parts = urlsplit(question.url)
        return f"{parts.netloc} ({parts.path}) {what}"

    def _without_keys(self, told: str) -> str:
        for secret in (*self.secrets.values(), *self.headers.values()):
            told = told.replace(secret, "***") if len(secret) > 3 else told
        return told

    def _remedy(self) -> str:
        name = self.source.upper()
        return f"Lower SOURCE_{name}_RATE, or set SOURCE_{name}_URL to a host that can be reached."


def _parsed(body: bytes) -> Any:
    """The JSON of a body, None for an empty one. Raises BadShape."""
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        shown = body[:SHOWN].decode("utf-8", "replace").strip()
        raise BadShape(f"sent no JSON but {shown!r}") from None


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > LARGEST:
            raise _Again("broken_body", f"sent more than {LARGEST >> 20} MiB")
    return bytes(body)
