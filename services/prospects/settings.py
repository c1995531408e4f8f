"""Environment of the prospects service."""

from pydantic import Field

from services.common.config import ApiSettings


class ProspectsSettings(ApiSettings):
    """What every API reads; prospects answers on port 8001."""

    port: int = Field(8001, ge=0, le=65535, description="Port of HTTP: API, health, metrics")
    export_first_s: float = Field(
        120, gt=0, description="Seconds that the first part of an export may take"
    )
    export_stall_s: float = Field(
        30, gt=0, description="Seconds an export waits for a client that stops reading"
    )
    shelf_mb: int = Field(
        64, ge=0, description="Megabytes of prospects shown lately that are kept at hand"
    )
