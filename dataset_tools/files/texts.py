"""Short texts as integers, such as ratings and behaviors: the compiled loop reads most of them without any table."""

import math

import numpy as np

from dataset_tools.files.ids import Ids
from dataset_tools.lines.kernel import MAX_TEXT

DIGITS = 7
"""Significant digits of a number with a fraction, so that a table of longer ones stays small."""


class Texts(Ids):
    """Codes for the texts of one field.

    A text of up to MAX_TEXT bytes has these bytes as its code, the first one highest; every longer text gets the next
    negative code.
    """

    def code(self, text: str) -> int:
        """The code of one text."""
        content = text.encode()
        if len(content) <= MAX_TEXT:
            return int.from_bytes(content, "big")
        return self.names.setdefault(text, -1 - len(self.names))

    @staticmethod
    def _places(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return codes < 0, -1 - codes

    def tokens(self, codes: np.ndarray) -> list[str]:
        """The texts of the given codes."""
        names = list(self.names)
        return [names[-1 - code] if code < 0 else _unpacked(code) for code in codes.tolist()]


def _unpacked(code: int) -> str:
    return code.to_bytes(8, "big").lstrip(b"\0").decode("utf-8", "replace")


def as_number(text: str) -> float | None:
    """A text as a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def number_text(value: float) -> str:
    """One text for a number, however it is written: `4` for 4.0; with a fraction it has at most DIGITS digits."""
    rounded = value if value.is_integer() else float(f"{value:.{DIGITS}g}")
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 10**15 else str(rounded)


def short_number(text: str) -> str:
    """A number that is longer than MAX_TEXT bytes as `number_text`; any other text as it is."""
    number = as_number(text) if len(text) > MAX_TEXT else None
    return text if number is None else number_text(number)
