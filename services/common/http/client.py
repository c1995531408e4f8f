"""The typed client of service-to-service calls: one method a verb, models in, models out.

A call has a deadline over all its attempts, repeats safe verbs with back-off, passes on the
request id and the caller's token, and raises what the other service answered as the same
AppError that it raised there.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
import orjson
from pydantic import BaseModel, ValidationError

from services.common import context, pauses
from services.common.errors import AppError, DeadlineExceeded, Unavailable, known

M = TypeVar("M", bound=BaseModel)
_SAFE = frozenset({"GET", "HEAD"})
_AGAIN = frozenset({429, 502, 503, 504})
Value = str | int | float | bool
Query = Mapping[str, Value | Sequence[Value] | None]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: float | None


class ServiceClient:
    """Calls one service; use as a context manager, or `close` it.

    `token` gives a bearer token where no caller's is at hand, as in jobs. Every method raises
    AppErrors: those of the other service, Unavailable where it cannot be reached or answers what
    it should not, DeadlineExceeded where `deadline_s` runs out.
    """

    def __init__(
        self,
        base_url: str,
        *,
        deadline_s: float = 5.0,
        attempts: int = 3,
        backoff_s: float = 0.1,
        token: Callable[[], str] | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._deadline_s, self._attempts, self._backoff_s = deadline_s, attempts, backoff_s
        self._token = token
        self._session, self._owned = session, session is None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections, unless the session was given."""
        if self._session and self._owned:
            await self._session.close()

    async def get(self, path: str, answer: type[M], query: Query | None = None) -> M:
        """GET `path` as a model."""
        return _parsed(await self._call("GET", path, query, None, {}), answer)

    async def post(
        self, path: str, answer: type[M], body: BaseModel | None = None, *, key: str | None = None
    ) -> M:
        """POST; with an Idempotency-Key it is repeated like a safe verb."""
        headers = {"Idempotency-Key": key} if key else {}
        return _parsed(await self._call("POST", path, None, body, headers), answer)

    async def patch(
        self, path: str, answer: type[M], body: BaseModel, *, if_match: str | None = None
    ) -> M:
        """PATCH, under an ETag if one is given."""
        headers = {"If-Match": if_match} if if_match else {}
        return _parsed(await self._call("PATCH", path, None, body, headers), answer)

    async def delete(self, path: str) -> None:
        """DELETE."""
        await self._call("DELETE", path, None, None, {})

    async def _call(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: BaseModel | None,
        headers: dict[str, str],
    ) -> _Answer:
        """The first answer that is good, else the last error."""
        end = monotonic() + self._deadline_s
        again = self._attempts if method in _SAFE or "Idempotency-Key" in headers else 1
        url = self._base + path
        headers |= self._headers()
        data = None if body is None else body.model_dump_json(exclude_unset=True).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        for attempt in range(1, again + 1):
            try:
                answer = await self._send(method, url, query, data, headers, end - monotonic())
            except Unavailable as exc:
                error: AppError = exc
            else:
                if answer.status < 300:
                    return answer
                error = _error(answer)
                if answer.status not in _AGAIN:
                    raise error
            pause = self._pause(attempt, error)
            if attempt == again or monotonic() + pause >= end:
                raise error
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def _send(
        self,
        method: str,
        url: str,
        query: Query | None,
        data: bytes | None,
        headers: dict[str, str],
        seconds: float,
    ) -> _Answer:
        session = self._session = self._session or aiohttp.ClientSession()
        try:
            async with (
                asyncio.timeout(max(0.0, seconds)),
                session.request(
                    method, url, params=_texts(query), data=data, headers=headers,
                    allow_redirects=False,
                ) as response,
            ):  # fmt: skip
                body = await response.read()
                return _Answer(response.status, body, _seconds(response))
        except TimeoutError as exc:
            raise DeadlineExceeded(f"{url} did not answer within {self._deadline_s:g} s") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise Unavailable(f"{url} cannot be reached", retry_after=1) from exc

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if request_id := context.request_id.get():
            headers["X-Request-Id"] = request_id
        if authorization := context.authorization.get():
            headers["Authorization"] = authorization
        elif self._token:
            headers["Authorization"] = f"Bearer {self._token()}"
        return headers

    def _pause(self, attempt: int, error: AppError) -> float:
        """Exponential with full jitter, no shorter than the service asks for."""
        pause = random.uniform(0, pauses.longest(attempt, self._backoff_s))
        return max(pause, error.retry_after or 0)


def _texts(query: Query | None) -> list[tuple[str, str]]:
    """Parameters as the services read them: lists repeat the name, None is left out."""
    pairs = []
    for name, value in (query or {}).items():
        several = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        pairs += [(name, _text(one)) for one in several if one is not None]
    return pairs


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seconds(response: aiohttp.ClientResponse) -> float | None:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() else None


def _parsed(answer: _Answer, model: type[M]) -> M:
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as exc:
        raise Unavailable(f"The answer is no {model.__name__}") from exc


def _error(answer: _Answer) -> AppError:
    """The problem document as the exception it came from; by its status where it has no code."""
    try:
        problem: object = orjson.loads(answer.body)
    except ValueError:
        problem = None
    fields = problem if isinstance(problem, dict) else {}
    kinds = {kind.code: kind for kind in known()}
    by_status = {kind.status: kind for kind in reversed(list(known()))}
    kind = kinds.get(str(fields.get("code"))) or by_status.get(answer.status, AppError)
    detail = str(fields.get("detail") or f"Another service answered {answer.status}")
    return kind(detail, errors=fields.get("errors"), retry_after=answer.retry_after)
