"""Logs as one JSON object a line on stdout, for machines first.

Fields: ts (UTC, RFC 3339), level, msg, logger, service, version, request_id, job_id, whatever
was passed as `extra`, and for exceptions error and traceback. Secrets are masked at the end,
so that no code path can print a password by accident.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

from services import __version__
from services.common import context

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MASKS = (
    (re.compile(r'(://[^:/@\s"]*:)[^\s/"]*@'), r"\1***@"),
    (re.compile(r'(password["\\]*\s*[=:]\s*["\\]*)[^\s&"\\]+', re.IGNORECASE), r"\1***"),
    (re.compile(r"(password\s+(?:e|u&)?')(?:[^']|'')*", re.IGNORECASE), r"\1***"),
    (re.compile(r"((?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), r"\1***"),
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
)
# no mask fits a text without one of these: most lines are spared the search
_HINTS = ("@", "password", "bearer ", "basic ", "eyj")
_NOISY = ("aiohttp.access", "aiokafka", "faust", "mode", "asyncio")


def redact(text: str) -> str:
    """Mask passwords of DSNs and of SQL, and credentials of Authorization headers."""
    lower = text.lower()
    if not any(hint in lower for hint in _HINTS):
        return text
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.fixed = {"service": service, "version": __version__}

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON; a value JSON does not know is written as its `str`."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "msg": record.getMessage(),
            "logger": record.name,
            **self.fixed,
        }
        for name, value in (
            ("request_id", context.request_id.get()),
            ("job_id", context.job_id.get()),
        ):
            if value is not None:
                line[name] = value
        line |= {k: v for k, v in vars(record).items() if k not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = self.formatException(record.exc_info)
        try:
            text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # lone surrogates, integers over 64 bits
            text = json.dumps(line, default=str, skipkeys=True)
        return redact(text)


def configure(service: str, level: str = "INFO") -> None:
    """Send every log of this process to stdout as JSON; call once, before anything else."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(service))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper())
    # what no line shows need not be found out (docs.python.org/3/howto/logging.html#optimization)
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
