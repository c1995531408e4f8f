"""Public keys of tokens: a JWK set (RFC 7517) fetched, remembered and followed as it rotates.

An unknown key id makes the set be fetched again, once every few seconds at the most whatever
callers send; while the address does not answer, the keys already known go on counting.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import aiohttp
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.common import metrics
from services.common.errors import Unauthorized, Unavailable

log = logging.getLogger(__name__)
ALGORITHMS = ("RS256", "ES256")
FRESH_S = 300.0
AGAIN_S = 3.0
_FETCH_S = 3.0
_MOST_BYTES = 1024 * 1024
_RSA_BITS = 2048  # RFC 7518, 3.3


class KeySet:
    """The keys at `url`; `replaced` is called where a key that was known is gone."""

    def __init__(self, url: str, replaced: Callable[[], None], again_s: float = AGAIN_S) -> None:
        self._url = url
        self._replaced = replaced
        self._again_s = again_s
        self._keys: dict[tuple[str | None, str], list[jwt.PyJWK]] = {}
        self._fetched = self._tried = float("-inf")
        self._failed = False
        self._task: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key of a token's header; without `kid` the only key of the algorithm.

        Raises Unauthorized for a key that is not in the set, Unavailable where that cannot be told.
        """
        if key := self._known(kid, algorithm):
            if monotonic() - self._fetched > FRESH_S:
                self._begin()
            return key
        self._begin()
        if self._task:
            await asyncio.shield(self._task)
            if key := self._known(kid, algorithm):
                return key
        if self._failed:
            raise Unavailable("The keys of tokens cannot be fetched now", retry_after=self._again_s)
        raise Unauthorized("The token is signed by a key that is not known here")

    def _known(self, kid: str | None, algorithm: str) -> jwt.PyJWK | None:
        if kid is not None:
            return next(iter(self._keys.get((kid, algorithm), ())), None)
        fitting = [k for (_, of), keys in self._keys.items() if of == algorithm for k in keys]
        return fitting[0] if len(fitting) == 1 else None

    def _begin(self) -> None:
        """Start a fetch unless one runs or ran just now."""
        if self._task is None and monotonic() - self._tried >= self._again_s:
            self._tried = monotonic()
            self._task = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            fresh = _usable(await self._download())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as exc:
            self._failed = True
            metrics.jwks_fetches_total.labels("failed").inc()
            log.warning("the key set of tokens cannot be fetched", extra={"cause": repr(exc)})
        else:
            self._failed = False
            metrics.jwks_fetches_total.labels("fetched").inc()
            gone = self._keys.keys() - fresh.keys()
            self._keys, self._fetched = fresh, monotonic()
            if gone:
                self._replaced()
        finally:
            self._task = None

    async def _download(self) -> list[Any]:
        timeout = aiohttp.ClientTimeout(total=_FETCH_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self._url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError(f"larger than {_MOST_BYTES} bytes")
        document = orjson.loads(body)
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list):
            raise ValueError("not a JWK set")
        return keys


def _usable(entries: Iterable[Any]) -> dict[tuple[str | None, str], list[jwt.PyJWK]]:
    """Signing keys of a set by id and algorithm; what we cannot use is left out."""
    keys: dict[tuple[str | None, str], list[jwt.PyJWK]] = {}
    for entry in entries:
        if isinstance(entry, dict) and (algorithm := _algorithm(entry)):
            try:
                key = jwt.PyJWK(entry, algorithm)
            except (jwt.PyJWTError, ValueError, TypeError) as exc:
                log.warning("a key of the set is not usable", extra={"cause": repr(exc)})
                continue
            if isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS:
                log.warning("an RSA key of the set is shorter than %d bits", _RSA_BITS)
                continue
            keys.setdefault((entry.get("kid"), algorithm), []).append(key)
    if not keys:
        raise ValueError("no usable key in the set")
    return keys


def _algorithm(entry: dict[str, Any]) -> str | None:
    """What a key may verify: fixed by its type, never by a token. Private keys are not for us."""
    kind = f"{entry.get('kty')} {entry.get('crv', '')}".strip()
    algorithm = {"RSA": "RS256", "EC P-256": "ES256"}.get(kind)
    fits = entry.get("alg", algorithm) == algorithm and entry.get("use", "sig") == "sig"
    return algorithm if fits and "d" not in entry else None
