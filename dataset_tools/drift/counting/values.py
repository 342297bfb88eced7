"""Ratings, labels and behaviors as they are compared: numbers by their size, and missing ones left out."""

import math
from collections.abc import Iterable, Mapping, Sequence

from dataset_tools.files.texts import as_number, number_text


def value_names(texts: Sequence[str]) -> list[str | None]:
    """The value that each text stands for, None for a missing one (empty, or no finite number such as `nan`).

    Where all texts but these are numbers, equal numbers are one value however they are written, such as 4 and 4.0.

    Args:
        texts: of all rows that are compared.
    """
    present = [None if is_missing(text) else text for text in texts]
    numbers = numbers_of([text for text in present if text is not None])
    if numbers is None:
        return present
    found = iter(numbers)
    return [None if text is None else number_text(next(found)) for text in present]


def is_missing(text: str) -> bool:
    """Whether a text stands for no value."""
    try:
        return not text or not math.isfinite(float(text))
    except ValueError:
        return False


def numbers_of(names: Sequence[str]) -> list[float] | None:
    """Values as numbers; None where one of them is a name."""
    found = [number for name in names if (number := as_number(name)) is not None]
    return found if len(found) == len(names) else None


def in_order(names: Iterable[str]) -> list[str]:
    """Each value once: numbers in their order, among names as well."""
    return sorted(set(names), key=lambda name: (as_number(name) or 0.0, name))


def summed(rows: Mapping[str, int], names: Iterable[str | None]) -> dict[str, int]:
    """Rows by value.

    Args:
        rows: by text.
        names: what its texts stand for, in its order; rows of None are left out.
    """
    found: dict[str, int] = {}
    for name, count in zip(names, rows.values(), strict=True):
        if name is not None:
            found[name] = found.get(name, 0) + count
    return found
