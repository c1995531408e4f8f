"""`python -m services.jobs` serves; `relay` and `scheduler` are processes of their own.

`openapi` prints the OpenAPI document; the other words are commands (cli.py).
"""

import sys
from functools import partial

import orjson

from services.common import logs
from services.common.config import load


def main(arguments: list[str]) -> int:
    """Run what the first argument names; imports only what that needs."""
    match arguments:
        case []:
            _serve()
        case ["relay"]:
            _relay()
        case ["scheduler"]:
            _scheduler()
        case ["openapi"]:
            from services.jobs.app import document

            sys.stdout.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2).decode() + "\n")
        case _:
            from services.jobs import cli

            return cli.main(arguments)
    return 0


def _serve() -> None:
    from services.common.http.app import run
    from services.jobs.app import NAME, build
    from services.jobs.settings import JobsSettings

    settings = load(JobsSettings)
    logs.configure(NAME, settings.log_level)
    run(lambda: build(settings))


def _relay() -> None:
    from services.common.kafka.process import run
    from services.jobs.relay import relay
    from services.jobs.settings import RelaySettings

    settings = load(RelaySettings)
    logs.configure("relay", settings.log_level)
    run(partial(relay, settings))


def _scheduler() -> None:
    from services.common.kafka.process import run
    from services.jobs.scheduler import scheduler
    from services.jobs.settings import SchedulerSettings

    settings = load(SchedulerSettings)
    logs.configure("scheduler", settings.log_level)
    run(partial(scheduler, settings))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
