"""HTTP to Florida's downloads: the whole register, or the files of a day, as zips.

GET /Downloads answers with the address of a zip that is good for a short time. It is fetched only
from the register's own host, by https from its domain, or from hosts that a setting names;
redirects are not followed. More than a request a second, and bursts, are answered 403.
"""

import asyncio
from collections.abc import Collection
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import orjson

from services.common import metrics
from services.common.errors import SourceRejected, SourceUnavailable
from services.pipelines.ingestion.registers.soda import AGAIN, USER_AGENT, Patience, SodaClient

SOURCE, BASE_URL, RATE = "fl", "https://publicsearchapi.floridaucc.com", 1.0
TYPES = ("Filings", "Debtors", "Secureds", "Events")
BURST = 403
MOST_BYTES = 4 * 1024**3
PATIENT = Patience(side_by_side=1)
_PIECE = 1024 * 1024
_LOST = (aiohttp.ClientError, TimeoutError)


class FloridaDownloads:
    """What the register offers for download; `hosts` are further ones that files may come from."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str = BASE_URL,
        *,
        rate: float | None = RATE,
        hosts: Collection[str] = (),
        patience: Patience = PATIENT,
    ) -> None:
        self._session, self._base, self._hosts = session, base_url, hosts
        self._patience = patience
        again = AGAIN | {BURST}
        self._api = SodaClient(
            session, base_url, source=SOURCE, rate=rate, patience=patience, again=again
        )

    async def completed_through(self) -> date:
        """The last day that is whole. Raises SourceUnavailable, SourceRejected."""
        told = await self._payload("/filings-completed-through-date", {})
        try:
            return date.fromisoformat(told[:10])
        except ValueError:
            raise SourceUnavailable(f"Florida's last day is no date: {told[:50]!r}") from None

    async def fetch(self, kind: str, day: date | None, path: Path) -> bool:
        """Write the zip of a file type to `path`; False where that day has none.

        Raises SourceUnavailable, SourceRejected.
        """
        asked = {"downloadType": "FULL" if day is None else "Regular", "fileType": kind}
        if day is not None:
            asked |= {"fileDate": f"{day:%m/%d/%Y}", "utcOffset": "0"}
        try:
            url = await self._payload("/Downloads", asked)
        except SourceRejected as exc:
            if day is not None and exc.extra.get("answered") == 400:
                return False
            raise
        self._check(url)
        await self._save(url, path)
        return True

    async def _payload(self, path: str, params: dict[str, str]) -> str:
        body = await self._api.get(path, params)
        try:
            payload = orjson.loads(body)["payload"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            payload = None
        if not isinstance(payload, str):
            raise SourceUnavailable(f"Florida's {path} has no payload but {body[:200]!r}")
        return payload

    def _check(self, url: str) -> None:
        """Raise SourceRejected for an address that is not the register's."""
        given, own = urlsplit(url), urlsplit(self._base)
        host, home = (given.hostname or "").lower(), (own.hostname or "").lower()
        if (given.scheme, given.netloc) == (own.scheme, own.netloc):
            return
        domains = [_domain(home), *self._hosts]
        if given.scheme == "https" and any(_within(host, domain) for domain in domains if domain):
            return
        raise SourceRejected(
            f"Florida points to a file at {given.scheme}://{given.netloc}, which is not of {home}: "
            "where that is right, name the host in INGEST_DOWNLOAD_HOSTS"
        )

    async def _save(self, url: str, path: Path) -> None:
        """Write what is at `url` to `path`, begun again where it breaks off."""
        why = ""
        for attempt in range(self._patience.tries):
            if attempt:
                await asyncio.sleep(min(self._patience.first_s * 2**attempt, self._patience.most_s))
            try:
                await self._try(url, path)
            except _LOST as exc:
                why = repr(exc)
                metrics.source_requests_total.labels(SOURCE, "broken_body").inc()
            else:
                metrics.source_requests_total.labels(SOURCE, "ok").inc()
                return
        raise SourceUnavailable(f"Florida's file breaks off ({why}): try again later")

    async def _try(self, url: str, path: Path) -> None:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
        headers, size = {"User-Agent": USER_AGENT}, 0
        async with self._session.get(
            url, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            if response.status >= 500 or response.status in AGAIN:
                raise aiohttp.ClientPayloadError(f"answered {response.status}")
            if response.status != 200:
                raise SourceRejected(f"Florida's file was answered {response.status}")
            with await asyncio.to_thread(path.open, "wb") as out:
                async for piece in response.content.iter_chunked(_PIECE):
                    size += len(piece)
                    if size > MOST_BYTES:
                        raise SourceRejected(f"Florida's file is larger than {MOST_BYTES} bytes")
                    await asyncio.to_thread(out.write, piece)


def _domain(host: str) -> str | None:
    """The registered domain of a host name: its last two labels; None of an address."""
    labels = host.split(".")
    return ".".join(labels[-2:]) if len(labels) > 1 and not labels[-1].isdigit() else None


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
