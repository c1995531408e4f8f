"""The one error that the stack shows a person: a sentence with its remedy, no traceback."""

import sys
from collections.abc import Callable
from typing import NoReturn


class StackError(Exception):
    """Something that stops the stack; the message is one clear sentence with the remedy."""


def exit_by(main: Callable[[], int]) -> NoReturn:
    """End the process with the code of `main`; a StackError goes to stderr as its sentence."""
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
