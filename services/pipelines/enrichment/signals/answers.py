"""Answers of sources, kept in Redis for a while, so that a question is asked once a day.

An answer that came with an ETag or a Last-Modified is kept longer: asked again, the source may
say that nothing changed (RFC 9110, 13). Redis may lose it all: then the question goes out again.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson

from services.common.redis import FAILURES, Client

PREFIX = "ucc:answer:"
LARGEST = 1 << 20
"""Bytes, compressed, above which an answer is not kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A body that could be read, empty where the source had nothing; `at` is Unix time."""

    body: bytes
    at: float
    etag: str | None = None
    modified: str | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask whether it changed."""
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in told.items() if value}

    @classmethod
    def of(cls, body: bytes, at: float, headers: Mapping[str, str]) -> "Answer":
        """From a response."""
        return cls(body, at, headers.get("ETag"), headers.get("Last-Modified"))

    def again(self, at: float) -> "Answer":
        """The same, confirmed at `at`."""
        return replace(self, at=at)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers by the key of their question: fresh for `fresh_s`, kept `kept_s` with validators."""

    redis: Client
    fresh_s: float = 86_400.0
    kept_s: float = 9 * 86_400.0

    async def get(self, key: str) -> Answer | None:
        """The answer, fresh or not; None where there is none or Redis does not answer."""
        try:
            kept = await cast("Any", self.redis.get(PREFIX + key))
        except FAILURES:
            return None
        return _unpacked(kept) if kept else None

    async def put(self, key: str, answer: Answer) -> None:
        """Keep an answer; without Redis it is lost."""
        packed = _packed(answer)
        seconds = max(self.kept_s, self.fresh_s) if answer.conditions else self.fresh_s
        if len(packed) > LARGEST or seconds < 1:
            return
        try:
            await cast("Any", self.redis.set(PREFIX + key, packed, ex=int(seconds)))
        except FAILURES:
            return

    def fresh(self, answer: Answer, now: float) -> bool:
        """Whether it still stands as it is."""
        return 0 <= now - answer.at < self.fresh_s


def _packed(answer: Answer) -> bytes:
    head = orjson.dumps([answer.at, answer.etag, answer.modified])
    return head + b"\n" + zlib.compress(answer.body, 1)


def _unpacked(kept: bytes) -> Answer | None:
    head, _, body = kept.partition(b"\n")
    try:
        at, etag, modified = orjson.loads(head)
        return Answer(zlib.decompress(body), at, etag, modified)
    except (ValueError, TypeError, zlib.error):
        return None
