"""The measured figures of the API part as tables."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import TYPE_CHECKING

from tests.load.report import table

if TYPE_CHECKING:
    from tests.load.api.load import Answered
    from tests.load.api.part import Measured

ON = (
    "On in our service: HS256 tokens, users, limits in Redis, audit, usage, metrics, JSON log, "
    "deadlines, security headers.\n"
    "All servers: one process, 32 connections, through PgBouncer, PostgreSQL with fsync, "
    "wrk and all of it on one machine.\n"
)
_HEAD = ("requests/s", "P50 ms", "P95 ms", "P99 ms")


def tables(measured: Measured) -> Iterator[str]:
    """All tables, in the order to be read."""
    yield ON
    yield latencies(measured)
    yield rounds(measured)
    export = measured.exported
    rows = [("csv", export.rows, export.first_byte_s, export.seconds, export.growth_mb)]
    yield table("Export", ("", "rows", "first byte s", "seconds", "growth MB"), rows)


def latencies(measured: Measured) -> str:
    """Our service alone, question by question."""
    rows = [
        (name, *_figures([each.answered]), f"{100 * each.within:.1f} %")
        for name, each in measured.latency.items()
    ]
    rows.append(("by cursor, after 100", *_figures(measured.shallow), ""))
    rows.append(("by cursor, far down", *_figures(measured.deep), ""))
    title = f"Our service with {measured.prospects:,} prospects"
    return table(title, ("", *_HEAD, "queries <= 50 ms"), rows)


def rounds(measured: Measured) -> str:
    """Each question to each server: medians of the rounds."""
    rows = [
        (f"{question}: {server}", *_figures(answers),
         "" if server == "ours" else f"{measured.ratio(question, server):.2f}")
        for question, by_server in measured.rounds.items()
        for server, answers in by_server.items()
    ]  # fmt: skip
    title = f"In turn, while {measured.written:,} writes went on in the background"
    return table(title, ("", *_HEAD, "ours / it"), rows)


def _figures(answers: list[Answered]) -> tuple[float, float, float, float]:
    return (
        median(a.rate for a in answers),
        median(a.p50_ms for a in answers),
        median(a.p95_ms for a in answers),
        median(a.p99_ms for a in answers),
    )
