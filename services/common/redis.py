"""Redis as one server or as a cluster: the same commands, short timeouts, no retries of its own.

Redis holds nothing that cannot be lost; who calls it decides what to do without it. Keys that a
script touches together share a hash tag, so that they live on one node of a cluster.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

FAILURES = (RedisError, OSError, TimeoutError)
_CLUSTER = "+cluster"
Client = Redis | RedisCluster


def connect(url: str, *, cluster: bool = False, timeout_s: float = 0.25) -> Client:
    """A client that opens nothing before its first command.

    `redis+cluster://host:port` or `cluster=True` names one node of a cluster, the others are
    learnt from it. Commands raise one of FAILURES within about `timeout_s`.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.removesuffix(_CLUSTER)
    plain = urlunsplit(parts._replace(scheme=scheme))
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 0,
    }
    if cluster or scheme != parts.scheme:
        # a moved slot or a promoted replica is asked again, twice at the most
        return RedisCluster.from_url(plain, retry=Retry(NoBackoff(), 2), **options)
    options |= {"retry": Retry(NoBackoff(), 0), "max_connections": 16, "timeout": timeout_s}
    return Redis.from_pool(BlockingConnectionPool.from_url(plain, **options))
