"""Making the topics: once, again, and without a broker."""

import pytest

from services.common.errors import Unavailable
from services.common.kafka.settings import KafkaSettings
from services.common.kafka.topics import TOPICS, create, create_patiently, main, present


def settings(brokers: str, prefix: str = "", wait_s: float = 0) -> KafkaSettings:
    values = {"kafka_brokers": brokers, "topic_prefix": prefix, "kafka_wait_s": wait_s}
    return KafkaSettings.model_validate(values)


async def test_topics_are_made_once(brokers: str, topic_prefix: str) -> None:
    names = [topic_prefix + topic for topic in TOPICS]
    assert not await present(brokers, names)
    assert await create(settings(brokers, topic_prefix)) == sorted(names)
    assert await create(settings(brokers, topic_prefix)) == []
    assert await present(brokers, names)


async def test_without_a_broker_the_wait_ends(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await create_patiently(settings(f"127.0.0.1:{unused_tcp_port}", wait_s=0.6))


def test_the_command_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    monkeypatch.setenv("KAFKA_BROKERS", f"127.0.0.1:{unused_tcp_port}")
    monkeypatch.setenv("KAFKA_WAIT_S", "0")
    assert main(["create"]) == 1
    assert "start the broker and repeat" in capsys.readouterr().err
    assert main([]) == 2
