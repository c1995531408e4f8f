"""A process's /metrics, read twice: what was counted between the two."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class Timing:
    """Calls of one thing and the seconds they took in all."""

    name: str
    calls: int
    seconds: float


def scrape(url: str) -> Samples:
    """The samples of `url`/metrics by name and labels."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/metrics", timeout=_TIMEOUT_S) as response:
        return parse(response.read().decode())


def parse(text: str) -> Samples:
    """Samples of the Prometheus text format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def between(before: Samples, after: Samples) -> Samples:
    """How much each sample grew; one that is new counts from nothing."""
    return {key: value - before.get(key, 0.0) for key, value in after.items()}


def timings(samples: Samples, histogram: str, label: str) -> list[Timing]:
    """A histogram by the values of a label, the most seconds first; what never ran is left out."""
    calls: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for (name, labels), value in samples.items():
        key = dict(labels).get(label, "")
        if name == f"{histogram}_count":
            calls[key] = calls.get(key, 0.0) + value
        elif name == f"{histogram}_sum":
            seconds[key] = seconds.get(key, 0.0) + value
    found = [Timing(key, int(count), seconds[key]) for key, count in calls.items() if count]
    return sorted(found, key=lambda timing: -timing.seconds)
