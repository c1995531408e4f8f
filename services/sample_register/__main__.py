"""`python -m services.sample_register` serves the register; `dump --out DIR` writes it to files."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import uvloop
from aiohttp import web

from services.common import logs
from services.common.config import load
from services.sample_register.app import MAX_LINE, make_app
from services.sample_register.dataset import Dataset, build
from services.sample_register.export import dump
from services.sample_register.settings import SampleSettings

log = logging.getLogger(__name__)


def main(argv: Sequence[str]) -> None:
    """Serve, or dump where the first word says so."""
    settings = load(SampleSettings)
    logs.configure("sample_register", settings.log_level)
    if argv:
        _dump(argv, settings)
    else:
        _serve(settings)


def _serve(settings: SampleSettings) -> None:
    dataset = _build(settings, settings.sample_size, settings.sample_seed, settings.sample_as_of)
    app = make_app(dataset, settings.sample_throttle)
    access = logging.getLogger("sample_register.access") if settings.sample_access_log else None
    log.info("listening", extra={"port": settings.port})
    web.run_app(
        app,
        host=settings.sample_host,
        port=settings.port,
        print=None,
        access_log=access,
        loop=uvloop.new_event_loop(),
        max_line_size=MAX_LINE,
        shutdown_timeout=1,
    )


def _build(settings: SampleSettings, size: int, seed: int, as_of: date | None) -> Dataset:
    began = time.monotonic()
    day = as_of or datetime.now(UTC).date()
    cache = settings.sample_cache_dir
    dataset = build(seed, size, day, dirt=settings.sample_dirt, cache=cache)
    rows = {table.spec.name: len(table.rows) for table in dataset.values()}
    took = round(time.monotonic() - began, 2)
    log.info("register built", extra={"as_of": str(day), "seed": seed, "rows": rows, "s": took})
    return dataset


def _dump(argv: Sequence[str], settings: SampleSettings) -> None:
    parser = argparse.ArgumentParser(prog="python -m services.sample_register")
    sub = parser.add_subparsers(required=True, metavar="dump")
    command = sub.add_parser("dump", help="write the four data sets to files")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.add_argument("--size", type=int, default=settings.sample_size, help="filings rows")
    command.add_argument("--seed", type=int, default=settings.sample_seed)
    command.add_argument("--as-of", type=date.fromisoformat, default=settings.sample_as_of)
    command.add_argument("--format", choices=("csv", "jsonl"), default="csv")
    args = parser.parse_args(argv)
    rows = dump(_build(settings, args.size, args.seed, args.as_of), args.out, args.format)
    for name, count in rows.items():
        sys.stdout.write(f"{args.out}/{name}.{args.format}: {count} rows\n")


if __name__ == "__main__":
    main(sys.argv[1:])
