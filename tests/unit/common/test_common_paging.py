"""Pages are counted up."""

import pytest

from services.common.paging import Pagination


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2)])
def test_a_started_page_is_a_page(total: int, pages: int) -> None:
    assert Pagination.of(1, 20, total).totalPages == pages
