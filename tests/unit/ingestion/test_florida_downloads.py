"""Which addresses a file of Florida's may come from."""

import aiohttp
import pytest

from services.common.errors import SourceRejected
from services.pipelines.ingestion.registers.florida_downloads import BASE_URL, FloridaDownloads


async def check(url: str, base: str = BASE_URL, *hosts: str) -> None:
    async with aiohttp.ClientSession() as session:
        FloridaDownloads(session, base, hosts=hosts)._check(url)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (f"{BASE_URL}/x.zip", BASE_URL),
        ("https://files.floridaucc.com/x.zip?sig=1", BASE_URL),
        ("https://floridaucc.com/x.zip", BASE_URL),
        ("http://127.0.0.1:8090/x.zip", "http://127.0.0.1:8090"),
    ],
)
async def test_addresses_of_the_register(url: str, base: str) -> None:
    await check(url, base)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://files.floridaucc.com/x.zip", BASE_URL),
        ("https://floridaucc.com.example.net/x.zip", BASE_URL),
        ("https://evilfloridaucc.com/x.zip", BASE_URL),
        ("https://user@169.254.169.254/x.zip", BASE_URL),
        ("file:///etc/passwd", BASE_URL),
        ("//floridaucc.com/x.zip", BASE_URL),
        ("https://10.0.0.1/x.zip", "http://127.0.0.1:8090"),
        ("http://127.0.0.1:9090/x.zip", "http://127.0.0.1:8090"),
    ],
)
async def test_addresses_of_others(url: str, base: str) -> None:
    with pytest.raises(SourceRejected, match="points to a file at"):
        await check(url, base)


async def test_a_setting_names_further_hosts() -> None:
    url = "https://d111.cloudfront.net/x.zip"
    await check(url, BASE_URL, "d111.cloudfront.net")
    await check(url, BASE_URL, "cloudfront.net")
    with pytest.raises(SourceRejected):
        await check(url, BASE_URL, "d222.cloudfront.net")
