"""State registers: one reader each behind one protocol, and the client they read with."""

from collections.abc import Mapping

import aiohttp

from services.common.config import source_rate, source_url
from services.pipelines.ingestion.registers.base import Reader, Register
from services.pipelines.ingestion.registers.colorado import Colorado
from services.pipelines.ingestion.registers.connecticut import Connecticut
from services.pipelines.ingestion.registers.corrections import CorrectedReader, Correction
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
    "Patience",
    "Reader",
    "Register",
    "SodaClient",
    "client_for",
]
