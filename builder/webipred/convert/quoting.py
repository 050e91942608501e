"""Quoting what a library said inside of a sentence of ours."""

from typing import Final

LENGTH: Final = 200


def quote_error(error: BaseException) -> str:
    """Return the message of an error on one line, shortened, without a full stop at its end."""
    return " ".join(str(error).split())[:LENGTH].rstrip(". ")
