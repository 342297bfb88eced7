"""What a column of numbers or of lists of numbers may hold: a finite number, or nothing."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from dataset_tools.faults import Fault, broken


def numbers(values: pl.Series) -> pl.Series:
    """(n,) text as float64; null where there is none."""
    return values.str.strip_chars().cast(pl.Float64, strict=False)


def number_faults(values: pl.Series, name: str) -> Iterator[Fault]:
    """Rows of (n,) text whose number is malformed or not finite; a missing one is null."""
    found = numbers(values)
    yield from broken(values, found.is_null() & values.is_not_null(), name, "is not a number")
    yield from broken(values, ~found.fill_null(0.0).is_finite(), name, "is not a finite number")


def list_faults(values: pl.Series, name: str, separator: str = " ") -> Iterator[Fault]:
    """Rows of (n,) text whose list holds something else than finite numbers; a missing one is null."""
    texts = values.fill_null("").to_list()
    wrong = [not all(_is_finite(word) for word in text.split(separator) if word) for text in texts]
    what = "holds something that is not a finite number"
    yield from broken(values, pl.Series(np.array(wrong, bool)), name, what)


def _is_finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
