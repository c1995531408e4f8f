"""Load by `wrk` on loopback: 32 connections send the lines of a file in turn, for some seconds."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.stack import programs

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("wrk.lua")
_SLACK_S = 30


@dataclass(frozen=True, slots=True)
class Question:
    """A kind of request: its lines are `METHOD<tab>path[<tab>body]`."""

    name: str
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Answered:
    """Requests a second, percentiles in milliseconds; `bad` counts answers from 400 on."""

    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    requests: int
    bad: int
    broken: int


def ask(
    url: str,
    question: Question,
    folder: Path,
    *,
    seconds: float,
    token: str = "",
    connections: int = CONNECTIONS,
) -> Answered:
    """Ask for `seconds`. Raises RuntimeError where wrk fails or nothing was answered."""
    if not url.startswith("http://127.0.0.1:"):
        raise RuntimeError(f"load goes to loopback only, not to {url}")
    path = folder / "questions.tsv"
    path.write_text("".join(f"{line}\n" for line in question.lines))
    argv = [programs.find("wrk"), "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s",
            "-s", str(_SCRIPT)]  # fmt: skip
    if token:
        argv += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [*argv, url, "--", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + _SLACK_S,
    )
    return parse(done.stdout, done.stderr)


def parse(shown: str, errors: str = "") -> Answered:
    """The figures that wrk.lua printed. Raises RuntimeError without them."""
    line = next((line for line in shown.splitlines() if line.startswith("RESULT ")), "")
    if not line:
        raise RuntimeError(f"wrk gave no figures: {(errors or shown).strip()[:300]}")
    rate, p50, p95, p99, *counts = line.split()[1:]
    requests, bad, broken = map(int, counts)
    return Answered(float(rate), float(p50), float(p95), float(p99), requests, bad, broken)
