"""Values of a column as integers: short texts are packed into their bytes, longer ones numbered."""

import math
from collections.abc import Iterable

import numpy as np

from dataset_tools.lines.kernel import MAX_TEXT


class Texts:
    """Codes of the values of one column.

    A text of up to MAX_TEXT bytes is its bytes, the first one highest, as the kernel packs it; every longer one gets
    the next number below 0.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def code(self, text: str) -> int:
        """The code of one value."""
        content = text.encode()
        if len(content) <= MAX_TEXT:
            return int.from_bytes(content, "big")
        return self.names.setdefault(text, -1 - len(self.names))

    def adopt(self, codes: np.ndarray, names: Iterable[str]) -> np.ndarray:
        """(n,) codes of another numbering in this one; codes from 0 on mean the same in both.

        Args:
            codes: (n,) int64, of the other numbering.
            names: its longer texts, in their order.
        """
        table = np.array([self.code(name) for name in names], np.int64)
        if not len(table):
            return codes
        return np.where(codes < 0, table[np.where(codes < 0, -1 - codes, 0)], codes)

    def texts(self, codes: Iterable[int]) -> list[str]:
        """The values of the given codes, as the file has them."""
        names = list(self.names)
        return [names[-1 - code] if code < 0 else _unpacked(code) for code in codes]


def _unpacked(code: int) -> str:
    return code.to_bytes(MAX_TEXT + 1, "big").lstrip(b"\0").decode("utf-8", "replace")


def short_number(text: str) -> str:
    """A longer number in as many digits as MAX_TEXT bytes hold, so that it needs no place in a table; else the text."""
    if len(text) <= MAX_TEXT:
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    shorter = (f"{value:.{digits}g}" for digits in range(MAX_TEXT, 0, -1))
    return next((each for each in shorter if len(each) <= MAX_TEXT), text) if math.isfinite(value) else text
