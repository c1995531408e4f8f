"""State registers: one reader each behind one protocol, and the client they read with."""

from collections.abc import Callable, Collection, Mapping

import aiohttp

from services.common.config import source_rate, source_url
from services.common.errors import BadRequest
from services.pipelines.ingestion.registers import florida_downloads
from services.pipelines.ingestion.registers.base import Reader, Register
from services.pipelines.ingestion.registers.california import California
from services.pipelines.ingestion.registers.colorado import Colorado
from services.pipelines.ingestion.registers.connecticut import Connecticut
from services.pipelines.ingestion.registers.corrections import CorrectedReader, Correction
from services.pipelines.ingestion.registers.filed import FileRegister
from services.pipelines.ingestion.registers.florida import Florida
from services.pipelines.ingestion.registers.florida_downloads import FloridaDownloads
from services.pipelines.ingestion.registers.iaca import Iaca
from services.pipelines.ingestion.registers.oregon import Oregon
from services.pipelines.ingestion.registers.soda import Patience, SodaClient

PATIENT = Patience()
POLITE_RATE = 4.0
"""Requests a second to a public register where SOURCE_<NAME>_RATE says nothing."""

SAMPLE_URL = "http://127.0.0.1:8090"

REGISTERS: Mapping[str, Register] = {
    register.name: register
    for register in (
        Colorado(),
        Connecticut(),
        Oregon(),
        Colorado(name="sample", base_url=SAMPLE_URL),
    )
}
"""Registers by the name that jobs, tables and settings know them by."""

_FORMATS: Mapping[str, Callable[[str], FileRegister]] = {
    "fl": lambda _: Florida(),
    "ca": lambda _: California(),
    "iaca": lambda state: Iaca(state.lower(), state),
}


def register_in_files(form: str, state: str) -> FileRegister:
    """The reader of an office's files in a format. Raises BadRequest."""
    made = _FORMATS.get(form)
    if made is None:
        raise BadRequest(f"No format is called {form!r}; known are {', '.join(_FORMATS)}.")
    return made(state)


def downloads(
    session: aiohttp.ClientSession, hosts: Collection[str] = (), patience: Patience = PATIENT
) -> FloridaDownloads:
    """Florida's downloads at SOURCE_FL_URL and _RATE. Raises Misconfigured."""
    return FloridaDownloads(
        session,
        source_url(florida_downloads.SOURCE, florida_downloads.BASE_URL),
        rate=source_rate(
            florida_downloads.SOURCE, florida_downloads.RATE, florida_downloads.BASE_URL
        ),
        hosts=hosts,
        patience=patience,
    )


def client_for(
    register: Register,
    session: aiohttp.ClientSession,
    app_token: str | None = None,
    patience: Patience = PATIENT,
) -> SodaClient:
    """A client for a register at SOURCE_<NAME>_URL and _RATE; keep one a process and register.

    Raises Misconfigured where one of the two is not usable.
    """
    return SodaClient(
        session,
        source_url(register.name, register.base_url),
        source=register.name,
        rate=source_rate(register.name, POLITE_RATE, register.base_url),
        app_token=app_token,
        patience=patience,
    )


__all__ = [
    "REGISTERS",
    "CorrectedReader",
    "Correction",
    "FileRegister",
    "FloridaDownloads",
    "Patience",
    "Reader",
    "Register",
    "SodaClient",
    "client_for",
    "downloads",
    "register_in_files",
]
