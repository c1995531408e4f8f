"""`python -m tests.stack COMMAND`: the platform as local processes, behind the Makefile."""

import argparse
import os

from tests.stack import commands, ingest, install
from tests.stack.config import Config
from tests.stack.errors import exit_by


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    sub = top.add_subparsers(dest="command", required=True)
    up = sub.add_parser("up", help="install, start, migrate, ingest the sample register")
    up.add_argument("--only", default="", help="names separated by commas, e.g. postgres,kafka")
    sub.add_parser("down", help="stop everything")
    sub.add_parser("status", help="each process with its state, pid, port, uptime, restarts")
    logs = sub.add_parser("logs", help="the last lines of each log")
    logs.add_argument("names", nargs="*")
    logs.add_argument("-n", "--lines", type=int, default=10)
    logs.add_argument("-f", "--follow", action="store_true")
    sub.add_parser("env", help="export lines of the running stack")
    sub.add_parser("reset", help="stop everything and delete the data")
    sub.add_parser("install", help="packages, .venv and Kafka jars, nothing started")
    token = sub.add_parser("token", help="a token of the running stack")
    token.add_argument("--role", default="admin", choices=("admin", "analyst", "viewer", "service"))
    token.add_argument("--user-id", default="")
    run = sub.add_parser("ingest", help="trigger an ingestion and wait for it")
    run.add_argument("--source", default="")
    run.add_argument("--since", default="")
    run.add_argument("--file", default="")
    run.add_argument("--format", default="")
    run.add_argument("--state", default="")
    return top


def main() -> int:
    """Run one command; the exit code."""
    options = parser().parse_args()
    commands.require_python()
    config = Config.from_environment()
    match options.command:
        case "up":
            _up(config, [name for name in options.only.split(",") if name])
        case "down":
            commands.down(config)
        case "status":
            return 0 if commands.status(config) else 1
        case "logs":
            commands.logs(config, options.names, options.lines, options.follow)
        case "env":
            commands.print_environment(config)
        case "reset":
            commands.reset(config)
        case "install":
            install.install()
        case "token":
            print(commands.token(config, options.role, options.user_id))
        case "ingest":
            asked = (options.source, options.since, options.file, options.format, options.state)
            ingest.ingest(config, *asked)
    return 0


def _up(config: Config, only: list[str]) -> None:
    commands.bring_up(config, only)
    if only:
        return
    if os.environ.get("SAMPLE", "1") != "0":
        ingest.sample(config)
    commands.print_urls(config)


if __name__ == "__main__":
    exit_by(main)
