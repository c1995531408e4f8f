"""Asks squawk what in migration files can hurt a running database.

squawk is a program of its own (`pip install squawk-cli`); here it is only started and read.
Between policy, which judges, and the files.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from migrations.errors import LintFailed
from migrations.files import Script

# What the runner sees to itself: the timeouts, the transaction, and that a file which failed
# half-way is not run over its own remains.
_LEFT_OUT = (
    "require-lock-timeout",
    "require-statement-timeout",
    "transaction-nesting",
    "prefer-robust-stmts",
)
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Remark:
    """What squawk says of a line of a file."""

    file: str
    line: int
    rule: str
    message: str


async def remarks(scripts: Sequence[Script], server_version: str) -> list[Remark]:
    """What squawk says of `scripts` on a server of `server_version` (`15.4`), by file and line.

    Raises LintFailed where squawk is not there or does not work.
    """
    found = []
    for inside in (True, False):
        group = [s for s in scripts if s.transaction is inside]
        if group:
            found += await _ask(group, server_version, ["--assume-in-transaction"] * inside)
    return sorted(found, key=lambda r: (r.file, r.line, r.rule))


async def _ask(
    scripts: Sequence[Script], server_version: str, options: Sequence[str]
) -> list[Remark]:
    argv = (
        *(
            _program(),
            "--config",
            "/dev/null",
            "--reporter",
            "json",
            "--pg-version",
            server_version,
        ),
        *("--exclude", ",".join(_LEFT_OUT), *options, *(str(s.path) for s in scripts)),
    )
    said = "no answer"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            out, err = await _run(argv)
        said = err.decode(errors="replace").strip()[:300]
        rows = json.loads(out)
    except (OSError, ValueError) as exc:
        why = said if isinstance(exc, (TimeoutError, ValueError)) else str(exc)
        raise LintFailed(
            f"squawk did not work ({why}): correct its installation, or set the policy's lint to "
            "off. Nothing was run."
        ) from exc
    return [_remark(row) for row in rows]


async def _run(argv: Sequence[str]) -> tuple[bytes, bytes]:
    """stdout and stderr of a program; it does not outlive the call."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        return await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _program() -> str:
    """The squawk beside this Python, or the one on PATH."""
    beside = Path(sys.executable).with_name("squawk")
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if not found:
        raise LintFailed(
            "squawk is not installed: install squawk-cli, or set the policy's lint to off. "
            "Nothing was run."
        )
    return found


def _remark(row: dict[str, object]) -> Remark:
    message = " ".join(str(part) for part in (row["message"], row.get("help")) if part)
    line = int(str(row["line"])) + 1
    return Remark(Path(str(row["file"])).name, line, str(row["rule_name"]), message)
