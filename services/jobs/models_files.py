"""Shapes of uploads: files that a register publishes whole."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from services.common.bulk.layouts import LAYOUTS, Format
from services.common.types import State


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class FileQuery(BaseModel):
    """What the files are. The files themselves are the body, never a path or an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format = Field(
        description="`fl`: Florida's download, `ca`: California's master unload, `iaca`: IACA XML"
    )
    state: Annotated[State, BeforeValidator(_upper)] | None = Field(
        default=None,
        validate_default=True,
        description="State of the filing office: needed for iaca, which does not say",
    )
    name: str = Field(
        default="file",
        min_length=1,
        max_length=200,
        description="Name of the file, where the body is one without a form",
    )
    as_of: date | None = Field(default=None, description="Day that findings are derived at")

    @field_validator("state")
    @classmethod
    def _of_the_format(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "format" not in info.data:  # that is refused already
            return value
        layout = LAYOUTS[info.data["format"]]
        if layout.state is None and value is None:
            raise ValueError("Say whose filings they are, for instance state=CA")
        if layout.state is not None and value not in (None, layout.state):
            raise ValueError(f"Must be {layout.state} or left out: this is {layout.title}")
        return value

    @property
    def office(self) -> str:
        """USPS code of the filing office's state."""
        state = LAYOUTS[self.format].state or self.state
        assert state is not None  # noqa: S101 - validated
        return state
