"""The client's address: that of the connection, or what a trusted proxy says of it."""

import ipaddress
from functools import lru_cache

from aiohttp import hdrs, web

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_CHARACTERS = 1000


class Addresses:
    """`trusted` lists networks (or addresses) whose X-Forwarded-For is believed."""

    def __init__(self, trusted: str = "") -> None:
        parts = filter(None, map(str.strip, trusted.split(",")))
        self._trusted: list[Network] = [ipaddress.ip_network(part, strict=False) for part in parts]
        self._resolve = lru_cache(1024)(self._walk)

    def client(self, request: web.Request) -> str:
        """Address of whoever sent the request, as far as it can be believed."""
        peer = request.remote or "unknown"
        if not self._trusted or hdrs.X_FORWARDED_FOR not in request.headers:
            return peer
        forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR))
        return self._resolve(peer, forwarded[-_MOST_CHARACTERS:])

    def _walk(self, peer: str, forwarded: str) -> str:
        """From the nearest hop outwards: the first that is not a trusted proxy is the client."""
        last = peer
        for hop in [peer, *reversed(forwarded.split(","))]:
            address = _parse(hop)
            if address is None:
                # whoever wrote this is the last that can be believed
                return last
            last = str(address)
            if not any(address in network for network in self._trusted):
                return last
        return last


@lru_cache(1024)
def counted(address: str) -> str:
    """What a limit counts an address as: of IPv6 the /64, which one client has to itself."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _parse(hop: str) -> Address | None:
    """An address as proxies write it: alone, `1.2.3.4:80`, `[::1]`, `[::1]:80`."""
    text = hop.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
