"""Rate limits (draft-ietf-httpapi-ratelimit-headers-11), counted in Redis for all processes.

A process leases requests from the count in Redis in blocks and spends them in memory, so a busy
caller costs a round trip once in many requests. A block is never more than was left, it shrinks
to one as the limit comes near, and what is not spent within a second goes back: together the
processes never let through more than the limit, and no less of a steady caller's requests.
Where Redis does not answer, requests pass and are counted (ucc_rate_limit_unchecked_total).
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil
from time import monotonic
from typing import Any, NamedTuple, cast

from services.common import metrics
from services.common.config import LimitSettings
from services.common.context import Principal
from services.common.errors import RateLimited
from services.common.redis import FAILURES, Client, connect
from services.common.types import Role

log = logging.getLogger(__name__)

# KEYS[1] hash of n (requests given away) and w (name of the window).
# ARGV: limit, window in ms, requests needed now, requests wanted in advance, name for a new window.
# Answers requests given, requests left, ms left, name of the window.
_LEASE = """
local limit, need, extra = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local window = redis.call('HGET', KEYS[1], 'w')
if not window then
  window = ARGV[5]
  redis.call('HSET', KEYS[1], 'n', 0, 'w', window)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local left = math.max(0, limit - tonumber(redis.call('HGET', KEYS[1], 'n')))
local given = math.min(need, left)
given = given + math.min(extra, math.floor((left - given) / 16))
if given > 0 then redis.call('HINCRBY', KEYS[1], 'n', given) end
return {given, left - given, redis.call('PTTL', KEYS[1]), window}
"""
# ARGV: requests that were not spent, name of the window they were leased in.
_GIVE_BACK = """
if redis.call('HGET', KEYS[1], 'w') == ARGV[2] then
  redis.call('HINCRBY', KEYS[1], 'n', -tonumber(ARGV[1]))
end
"""
_MOST_AHEAD = 512
_LEASE_S = 1.0  # unspent requests go back after this long
_REFUSED_S = 0.25  # a refusal stands for so long before Redis is asked again
_WAIT_S = 0.1  # a request waits no longer for a Redis that was well a moment ago,
_WAIT_ILL_S = 0.004  # and no longer than this for one that was not
_START_S = 1.0
_TURNS = 5
_PAUSE_S = 1.0  # Redis is left alone for so long after a failure
_QUIET_S = 5.0  # between two failures that are worth a line in the log
_MOST_KEYS = 50_000


@dataclass(frozen=True, slots=True)
class Tier:
    """A limit and the policy header that tells of it."""

    name: str
    limit: int
    policy: str

    def state(self, left: int, seconds: float) -> str:
        """The RateLimit header: requests left, seconds until the window ends."""
        return f'"{self.name}";r={left if left > 0 else 0};t={int(seconds) + 1}'


class Verdict(NamedTuple):
    """What the limit says of a request: its headers, and the error where it is refused."""

    policy: str
    state: str
    refusal: RateLimited | None = None


class _Bucket:
    """What this process knows of one caller."""

    __slots__ = (
        "ahead", "end", "key", "lease", "leased_at", "left", "refused_until", "role",
        "tier", "tokens", "waiting", "window",
    )  # fmt: skip

    def __init__(self, key: str, tier: Tier) -> None:
        self.key = key
        self.tier = tier
        self.role: Role | None = None
        self.tokens = 0  # leased and not spent; below 0: let through before Redis answered
        self.left = tier.limit
        self.ahead = 0
        self.end = 0.0
        self.leased_at = 0.0
        self.refused_until = 0.0
        self.waiting = 0
        self.window = b""
        self.lease: asyncio.Task[None] | None = None

    def verdict(self, now: float) -> Verdict:
        """That of a request which was just taken."""
        tier = self.tier
        return Verdict(tier.policy, tier.state(self.left + self.tokens, self.end - now))


class Limiter:
    """Admits requests; `open()` runs what gives unspent requests back."""

    def __init__(self, settings: LimitSettings, redis: Client, prefix: str = "ucc:rate:") -> None:
        self._redis = redis
        self._prefix = prefix
        self._window_s = settings.rate_limit_window_s
        self._tiers = {role: self._tier(role, settings.tier(role)) for role in (None, *Role)}
        self._users: dict[str, _Bucket] = {}
        self._addresses: dict[str, _Bucket] = {}
        self._paused_until = -_QUIET_S
        self._well = False

    def _tier(self, role: Role | None, limit: int) -> Tier:
        name = str(role or "default")
        return Tier(name, limit, f'"{name}";q={limit};w={self._window_s}')

    async def admit(self, principal: Principal | None, address: str) -> Verdict | None:
        """Take one request of the caller; None where no limit holds or Redis is away."""
        name = principal.sub if principal else address
        bucket = (self._users if principal else self._addresses).get(name)
        role = principal.role if principal else None
        if bucket is None or bucket.role is not role:
            if not self._tiers[role].limit:
                return None
            bucket = self._add(principal, name)
        now = monotonic()
        if bucket.tokens > 0 and now < bucket.end:
            bucket.tokens -= 1
            return bucket.verdict(now)
        return await self._ask(bucket)

    async def _ask(self, bucket: _Bucket) -> Verdict | None:
        """The way of a request for which nothing is leased."""
        until = monotonic() + (_WAIT_S if self._well else _WAIT_ILL_S)
        bucket.waiting += 1
        try:
            while True:
                now = monotonic()
                if now < bucket.end and bucket.tokens > 0:
                    bucket.tokens -= 1
                    return bucket.verdict(now)
                if now < bucket.refused_until:
                    return self._refusal(bucket, now)
                if now < self._paused_until:
                    break
                if now >= until:
                    # taken all the same: the next lease pays for it
                    bucket.tokens -= 1
                    self._well = False
                    break
                if bucket.lease is None:
                    bucket.lease = asyncio.create_task(self._take(bucket))
                done, _ = await asyncio.wait({bucket.lease}, timeout=until - now)
                if not done:
                    await _catch_up(bucket.lease)
        finally:
            bucket.waiting -= 1
        metrics.rate_limit_unchecked_total.inc()
        return None

    def _refusal(self, bucket: _Bucket, now: float) -> Verdict:
        seconds, tier = bucket.end - now, bucket.tier
        metrics.rate_limited_total.labels(tier.name).inc()
        detail = f"{tier.limit} requests in {self._window_s} s are used up"
        error = RateLimited(f"{detail}: wait {ceil(seconds)} s", retry_after=seconds)
        return Verdict(tier.policy, tier.state(0, seconds), error)

    async def _take(self, bucket: _Bucket) -> None:
        """Lease what waits now, and ahead as much as the last lease was worth, doubled."""
        sent = monotonic()
        if sent >= bucket.end:
            bucket.tokens = min(0, bucket.tokens)
            bucket.ahead = 0
        elif sent - bucket.leased_at < _LEASE_S:
            bucket.ahead = min(_MOST_AHEAD, bucket.ahead * 2 or 1)
        else:
            bucket.ahead //= 4
        need = max(1, bucket.waiting) - bucket.tokens
        arguments: list[str | int | bytes] = [
            bucket.tier.limit, self._window_s * 1000, need, bucket.ahead, str(int(sent * 1000)),
        ]  # fmt: skip
        try:
            given, left, ms, bucket.window = await self._call(_LEASE, bucket.key, *arguments)
        except FAILURES as exc:
            self._fail(exc)
        else:
            bucket.tokens += given
            bucket.left, bucket.leased_at = left, sent
            # counted from before the question: never longer than the window of Redis
            bucket.end = sent + max(0, ms) / 1000
            if not given:
                bucket.refused_until = min(bucket.end, monotonic() + _REFUSED_S)
        finally:
            bucket.lease = None

    async def _call(self, script: str, key: str, *arguments: str | int | bytes) -> Any:
        # EVAL, not EVALSHA: a node that is new to the cluster or was restarted knows no script
        metrics.rate_limit_leases_total.inc()
        answer = await self._redis.eval(script, 1, key, *arguments)
        self._well = True
        return answer

    def _fail(self, exc: BaseException) -> None:
        if monotonic() - self._paused_until > _QUIET_S:
            log.warning("rate limits are not checked: Redis fails", extra={"cause": repr(exc)})
        self._well = False
        self._paused_until = monotonic() + _PAUSE_S

    def _add(self, principal: Principal | None, name: str) -> _Bucket:
        """The bucket of a caller that is new here, or has a token of another role now."""
        role = principal.role if principal else None
        buckets = self._users if principal else self._addresses
        if bucket := buckets.get(name):
            bucket.role, bucket.tier = role, self._tiers[role]
            return bucket
        if len(buckets) >= _MOST_KEYS:
            del buckets[next(iter(buckets))]
        digest = blake2b(name.encode(), digest_size=16).hexdigest()
        kind = "user" if principal else "address"
        bucket = buckets[name] = _Bucket(f"{self._prefix}{kind}:{{{digest}}}", self._tiers[role])
        bucket.role = role
        return bucket

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Give unspent requests back while the block runs, and all of them at its end."""
        await self._greet()
        task = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._return(0)
            with suppress(*FAILURES):
                await self._redis.aclose()

    async def _greet(self) -> None:
        """Connect before the first request has to wait for it."""
        try:
            async with asyncio.timeout(_START_S):
                await cast(Awaitable[Any], self._redis.ping())
        except FAILURES as exc:
            self._fail(exc)
        else:
            self._well = True

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_LEASE_S / 2)
            await self._return(_LEASE_S)
            now = monotonic()
            for buckets in (self._users, self._addresses):
                for name, bucket in list(buckets.items()):
                    if bucket.end < now and bucket.lease is None and not bucket.waiting:
                        del buckets[name]

    async def _return(self, older_s: float) -> None:
        """Give back what was leased more than `older_s` ago and not spent."""
        now = monotonic()
        for bucket in [*self._users.values(), *self._addresses.values()]:
            if bucket.tokens <= 0 or now >= bucket.end or now - bucket.leased_at < older_s:
                continue
            if now < self._paused_until:
                return
            unspent, bucket.tokens = bucket.tokens, 0
            bucket.left += unspent
            try:
                await self._call(_GIVE_BACK, bucket.key, unspent, bucket.window)
            except FAILURES as exc:
                self._fail(exc)


async def _catch_up(lease: asyncio.Task[None] | None) -> None:
    """Tell a slow Redis from a busy loop, in which timers ring before answers are read."""
    for _ in range(_TURNS):
        if lease is None or lease.done():
            return
        await asyncio.sleep(0)


def build(settings: LimitSettings, redis_url: str) -> Limiter | None:
    """The limiter of `settings`; None where RATE_LIMIT_MAX is 0."""
    if not settings.rate_limit_max:
        return None
    return Limiter(settings, connect(redis_url, cluster=settings.redis_cluster))
