"""Which registers there are, and where their clients read."""

import aiohttp
import pytest

from services.pipelines.ingestion.registers import REGISTERS, client_for
from tests.unit.ingestion.soda_host import soda_host


def test_known_registers() -> None:
    assert {(r.name, r.state) for r in REGISTERS.values()} == {
        ("co", "CO"),
        ("ct", "CT"),
        ("or", "OR"),
        ("sample", "CO"),
    }


async def test_client_reads_at_the_address_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with soda_host(abcd_1234=[{"id": "1"}]) as host, aiohttp.ClientSession() as session:
        monkeypatch.setenv("SOURCE_CT_URL", host.url)
        client = client_for(REGISTERS["ct"], session)
        found, _ = await client.rows("abcd-1234", order="id", limit=1)
    assert found.rows == [{"id": "1"}]
