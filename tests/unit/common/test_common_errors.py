"""An error class is code, status and message in one place."""

from services.common import errors
from services.common.errors import AppError, NotFound, SourceUnavailable, known


def test_the_code_is_the_name_in_snake_case() -> None:
    assert SourceUnavailable.code == "source_unavailable"


def test_the_docstring_is_the_message() -> None:
    assert NotFound().detail == "There is nothing at this address."
    assert str(NotFound("no such filing")) == "no such filing"


def test_codes_are_unique() -> None:
    codes = [error.code for error in known()]
    assert len(codes) == len(set(codes))


def test_every_error_has_its_own_message() -> None:
    own = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, AppError)]
    assert all(e.__doc__ and e.__doc__.endswith((".", "`.")) for e in own)


def test_what_may_pass_is_retryable() -> None:
    assert SourceUnavailable(retry_after=3).retryable
    assert not NotFound().retryable


def test_extra_members_are_kept() -> None:
    assert AppError("x", job_id=3).extra == {"job_id": 3}
