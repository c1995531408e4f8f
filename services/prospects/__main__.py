"""`python -m services.prospects` serves; with `openapi` it prints the OpenAPI document."""

import sys

import orjson

from services.common import logs
from services.common.config import load
from services.common.http.app import run
from services.prospects.app import NAME, build, document
from services.prospects.settings import ProspectsSettings

if sys.argv[1:] == ["openapi"]:
    sys.stdout.write(orjson.dumps(document(), option=orjson.OPT_INDENT_2).decode() + "\n")
elif sys.argv[1:]:
    raise SystemExit("usage: python -m services.prospects [openapi]")
else:
    settings = load(ProspectsSettings)
    logs.configure(NAME, settings.log_level)
    run(lambda: build(settings))
