"""Settings of the sample register; it needs no database, so it does not share `Settings`."""

from datetime import date
from pathlib import Path

from pydantic import Field

from services.common.config import Environment


class SampleSettings(Environment):
    """What `python -m services.sample_register` reads from the environment."""

    port: int = Field(8090, ge=0, le=65535, description="Port of the sample register")
    sample_host: str = Field("0.0.0.0", description="Address the sample register listens on")
    sample_size: int = Field(
        6000, ge=1, le=5_000_000, description="Rows of the sample's filings data set"
    )
    sample_seed: int = Field(1, description="Another seed gives another invented register")
    sample_as_of: date | None = Field(
        None, description="Last filing date of the sample (YYYY-MM-DD); unset: today, UTC"
    )
    sample_dirt: bool = Field(
        True, description="Add the hand-made rows with the faults that real registers hold"
    )
    sample_throttle: float | None = Field(
        None, gt=0, description="Requests a second before the sample answers 429; unset: no limit"
    )
    sample_access_log: bool = Field(False, description="Log every request of the sample register")
    sample_cache_dir: Path | None = Field(
        None, description="Folder that keeps generated rows between starts; unset: none"
    )
