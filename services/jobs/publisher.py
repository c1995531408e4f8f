"""The relay's producer: sends records and returns when Kafka has them."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from services.common import metrics
from services.common.errors import Unavailable

log = logging.getLogger(__name__)
_REQUEST_MS = 8_000
_SEND_S = 15.0
_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """One message; its key decides the partition, without a key chance."""

    topic: str
    value: bytes
    key: bytes | None = None


@dataclass(slots=True)
class Publisher:
    """An idempotent producer that is made when first needed and made anew when it broke."""

    brokers: str
    prefix: str = ""
    _producer: AIOKafkaProducer | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, records: Sequence[Record]) -> None:
        """Send all and await the acknowledgements. Raises Unavailable: some may have been sent."""
        if not records:
            return
        try:
            async with asyncio.timeout(_SEND_S):
                producer = await self._started()
                sent = [await self._post(producer, record) for record in records]
                answers = await asyncio.gather(*filter(None, sent), return_exceptions=True)
            for failed in (answer for answer in answers if isinstance(answer, BaseException)):
                raise failed
        except (KafkaError, OSError, TimeoutError) as exc:
            if not getattr(exc, "retriable", True):
                await self.close()
            raise Unavailable(f"Kafka does not take messages: {exc!r}") from exc
        for record in records:
            metrics.relay_published_total.labels(record.topic).inc()

    async def close(self) -> None:
        """Give up the producer; the next `send` makes another."""
        producer, self._producer = self._producer, None
        if producer:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._lock:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self.brokers,
                    acks="all",
                    enable_idempotence=True,
                    request_timeout_ms=_REQUEST_MS,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _post(
        self, producer: AIOKafkaProducer, record: Record
    ) -> asyncio.Future[object] | None:
        """The acknowledgement to come; None for a message that Kafka can never take."""
        topic = self.prefix + record.topic
        try:
            future: asyncio.Future[object] = await producer.send(
                topic, record.value, key=record.key
            )
        except MessageSizeTooLargeError:
            metrics.messages_total.labels(record.topic, "skipped").inc()
            log.exception("dropped a message of %d bytes for %s", len(record.value), topic)
            return None
        return future
