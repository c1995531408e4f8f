"""Environment of the prospects service."""

from pydantic import Field

from services.common.config import ApiSettings


class ProspectsSettings(ApiSettings):
    """What every API reads; prospects answers on port 8001."""

    port: int = Field(8001, ge=0, le=65535, description="Port of HTTP: API, health, metrics")
