"""Numbers of things, and how people write them."""

from numbers import Integral
from typing import Any


def amount(number: int, noun: str) -> str:
    """`1 epoch`, `1,682 items`.

    Args:
        number: how many.
        noun: of one of them; its plural has an s.
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, of numpy's too; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)
