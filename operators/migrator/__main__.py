"""`python -m operators.migrator`: the operator; ends by SIGTERM or SIGINT, migrations go on."""

import asyncio
import logging
import sys

from operators.migrator.app import App
from operators.migrator.kube import Kube
from operators.migrator.settings import MigratorSettings
from services.common import config, logs
from services.common.errors import AppError

_QUIET = ("kopf", "httpx2", "httpcore2", "asyncio")


def main() -> int:
    """Run until stopped; 1 with a sentence where the cluster or the port cannot be used."""
    settings = config.load(MigratorSettings)
    logs.configure("migrator", settings.log_level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
    try:
        asyncio.run(_run(settings))
    except (AppError, OSError) as exc:
        sys.stderr.write(f"{logs.redact(str(exc))}\n")
        return 1
    return 0


async def _run(settings: MigratorSettings) -> None:
    kube = Kube.connect()
    try:
        await App(kube, settings).run()
    finally:
        await kube.close()


if __name__ == "__main__":
    raise SystemExit(main())
