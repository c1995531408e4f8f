"""Shapes of the queues: what waits in them, and what a person set."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.common.http.fields import WHOLE

QueueName = Literal["ingestion", "enrichment", "scoring", "maintenance"]


class QueuePath(BaseModel):
    """Path of one queue."""

    name: QueueName = Field(description="Name of the queue")


class QueueLimits(BaseModel):
    """Limits over all workers of a queue; only fields that are given are changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: Annotated[int, Field(ge=1, le=10_000), WHOLE] | None = Field(
        default=None, description="Jobs that run at a time; null: no limit"
    )
    rate: float | None = Field(
        default=None, ge=0.001, le=10_000, description="Jobs begun in a second; null: no limit"
    )


class PauseRequest(BaseModel):
    """Why a queue is paused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str | None = Field(default=None, min_length=1, max_length=1000)


class Queue(BaseModel):
    """A queue: workers begin no job of one that is paused; what runs goes on."""

    name: str
    paused: bool
    paused_at: datetime | None
    paused_by: str | None
    reason: str | None = Field(description="Why it is paused")
    concurrency: int | None = Field(description="Most jobs that run at a time, over all workers")
    rate: float | None = Field(description="Most jobs begun in a second, over all workers")
    due: int = Field(description="Jobs that could run now")
    later: int = Field(description="Jobs whose time has not come")
    oldest_s: float = Field(description="Seconds that the oldest of the due jobs has waited")
    running: int
    dead: int = Field(description="Jobs that gave up and were not replayed")


class QueueList(BaseModel):
    """All queues, by name."""

    queues: list[Queue]
