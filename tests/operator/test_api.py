"""The tests' own client of the API server."""

import asyncio
import gc
import warnings
from contextlib import aclosing

from tests.operator.api import Api, path
from tests.operator.light import Ring


def test_a_client_that_is_cancelled_leaves_no_connection(light: Ring) -> None:
    heard = asyncio.Event()

    async def listen() -> None:
        async with Api.of(light.kubeconfig) as api:
            await api.get(path("nodes"))
            async with aclosing(api.watch(path("namespaces"))) as events:
                async for _ in events:
                    heard.set()

    async def main() -> None:
        listening = asyncio.create_task(listen())
        await heard.wait()
        listening.cancel()
        await asyncio.wait([listening])

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert [str(warning.message) for warning in told] == []
