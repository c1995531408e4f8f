"""Pages of a list: the `pagination` member that every list answer carries."""

from typing import Self

from pydantic import BaseModel, Field


class Pagination(BaseModel):
    """Where a page stands in its list."""

    page: int = Field(description="This page, from 1")
    limit: int = Field(description="Items a page")
    total: int = Field(description="Items that match the filters")
    totalPages: int = Field(description="Pages of `limit` items")  # the name of the contract

    @classmethod
    def of(cls, page: int, limit: int, total: int) -> Self:
        """The position of `page` among `total` items."""
        return cls(page=page, limit=limit, total=total, totalPages=-(-total // limit))
