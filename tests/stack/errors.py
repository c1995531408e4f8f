"""The one error that the stack shows a person: a sentence with its remedy, no traceback."""


class StackError(Exception):
    """Something that stops the stack; the message is one clear sentence with the remedy."""
