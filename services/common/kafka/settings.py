"""Settings of processes that speak to Kafka."""

from pydantic import Field
from pydantic_settings import BaseSettings

from services.common.config import Settings


class KafkaSettings(BaseSettings):
    """Where Kafka is and how our topics are named."""

    model_config = Settings.model_config

    kafka_brokers: str = Field(
        "127.0.0.1:9092", description="Kafka brokers, host:port separated by commas"
    )
    topic_prefix: str = Field("", description="Put before every topic and consumer group name")
    topic_replicas: int = Field(1, ge=1, description="Replicas of a topic that is created")
    kafka_wait_s: float = Field(60, ge=0, description="Seconds to wait for the broker at the start")


class WorkerSettings(Settings, KafkaSettings):
    """What every pipeline worker reads."""

    lease_s: float = Field(30, gt=0, description="Seconds a job is held without a heartbeat")
    heartbeat_s: float = Field(10, gt=0, description="Seconds between heartbeats of held jobs")
    poll_s: float = Field(1, gt=0, description="Seconds between looks at a queue without a permit")
    kafka_instance_id: str = Field(
        "",
        max_length=100,
        description="Name of this worker that outlives its restarts, like that of a StatefulSet's "
        "pod: a restart within ten seconds then moves no partition. Unset: members by chance",
    )
    drain_s: float = Field(
        20, ge=0, description="Seconds that work in flight may take after SIGTERM"
    )
