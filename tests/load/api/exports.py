"""The export of many prospects as csv: first byte, seconds, growth of the service's memory."""

import time
import urllib.request
from dataclasses import dataclass

import orjson

from tests.load.processes import Watch

_CHUNK = 256 * 1024
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Exported:
    """What came: rows without the head, seconds to the first byte and in all, MB of growth."""

    rows: int
    first_byte_s: float
    seconds: float
    growth_mb: float


def csv(url: str, token: str, pid: int, selection: dict[str, object]) -> Exported:
    """Export what `selection` (a filter) matches; nothing is kept of it here."""
    body = orjson.dumps({"format": "csv", "filter": selection})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{url}/api/prospects/export", body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    rows, first = -1, 0.0
    with Watch({"service": pid}, every_s=0.1) as watch:
        started = time.perf_counter()
        with opener.open(asked, timeout=_TIMEOUT_S) as answer:
            while chunk := answer.read(_CHUNK) if first else answer.read(1):
                first = first or time.perf_counter() - started
                rows += chunk.count(b"\n")
        seconds = time.perf_counter() - started
    memory = watch.usage["service"].memory_mb
    return Exported(rows, first, seconds, max(memory) - memory[0])
