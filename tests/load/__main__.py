"""`python -m tests.load [PART...]`: measure and judge; exit 1 where a target is missed."""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType

from services.common.errors import AppError
from tests.load import ingestion, jobs, mixed
from tests.load.api import part as api
from tests.load.ingestion import Options
from tests.load.report import Target, summary
from tests.stack.errors import StackError

DEFAULT = Options()
PARTS: Mapping[str, Callable[[Options, Callable[[str], None]], list[Target]]] = {
    "ingestion": ingestion.run,
    "api": api.run,
    "jobs": jobs.run,
    "mixed": mixed.run,
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    top.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    top.add_argument("--size", type=int, default=DEFAULT.size, help="filings of the register")
    top.add_argument("--page", type=int, default=DEFAULT.page_size, help="filings of a page")
    top.add_argument("--repeat", type=int, default=1, help="rounds; pipeline and baseline in turn")
    top.add_argument("--no-big-page", action="store_true", help="leave out the one-page baseline")
    top.add_argument("--timeout", type=float, default=DEFAULT.timeout_s, help="seconds of one run")
    top.add_argument("--prospects", type=int, default=DEFAULT.prospects, help="of the API part")
    top.add_argument(
        "--seconds", type=float, default=DEFAULT.seconds, help="that each question is asked"
    )
    top.add_argument("--no-fail", action="store_true", help="exit 0 even if a target is missed")
    return top


def main() -> int:
    """Run the parts; the exit code."""
    signal.signal(signal.SIGTERM, _end)
    options = parser().parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        print(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}.")
        return 2
    chosen = Options(
        options.size, options.page, max(1, options.repeat), not options.no_big_page,
        options.timeout, options.prospects, min(15.0, options.seconds),
    )  # fmt: skip
    began, targets = time.monotonic(), list[Target]()
    try:
        for name in options.parts or PARTS:
            targets += PARTS[name](chosen, lambda text: _say(began, text))
    except (RuntimeError, AppError, StackError, subprocess.SubprocessError) as error:
        print(f"the benchmark could not be completed: {error}", file=sys.stderr)
        return 1
    print(summary(targets))
    return 0 if options.no_fail or all(target.met for target in targets) else 1


def _say(began: float, text: str) -> None:
    print(f"[{time.monotonic() - began:5.0f} s] {text}", flush=True)


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Leave by way of every `with`, so that the stack and its folder go too."""
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
