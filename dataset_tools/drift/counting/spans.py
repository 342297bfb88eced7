"""Gaps between the consecutive rows of a user, across byte ranges that are counted in any order."""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

GAP_STEP = 64
"""Bins per unit of log(1 + gap): neighbouring bins are 1.6 % apart."""
GAP_BINS = int(math.log1p(2**40) * GAP_STEP) + 1
_SPAN = {"user": pl.Int64, "first": pl.Int64, "window": pl.Int16, "last": pl.Int64}


def gap_bin(gaps: np.ndarray) -> np.ndarray:
    """(n,) int16 bin of each gap of (n,) seconds: floor(GAP_STEP * log(1 + gap))."""
    return np.minimum(np.log1p(gaps) * GAP_STEP, GAP_BINS - 1).astype(np.int16)


def gap_seconds() -> np.ndarray:
    """(GAP_BINS,) lower end of each bin."""
    return np.expm1(np.arange(GAP_BINS) / GAP_STEP)


def span_of(users: np.ndarray, times: np.ndarray, windows: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """First and last time of each user in a range, and the gaps within the range by the window of the later row.

    Args:
        users: (rows,) int64 codes.
        times: (rows,) int64, Unix seconds, not descending.
        windows: (rows,) int16.
    """
    order = np.argsort(users, kind="stable")
    codes, moments, places = users[order], times[order], windows[order]
    new = np.append(True, codes[1:] != codes[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(codes)) - 1
    later = np.flatnonzero(~new)
    span = pl.DataFrame([codes[first], moments[first], places[first], moments[last]], schema=_SPAN)
    return span, _binned(places[later], moments[later] - moments[later - 1])


def _binned(windows: np.ndarray, gaps: np.ndarray) -> pl.DataFrame:
    table = pl.DataFrame({"window": windows, "bin": gap_bin(gaps)})
    return table.group_by("window", "bin").agg(pl.len().alias("rows"))


class Spans:
    """Spans of consecutive ranges, joined with their neighbours like the blocks of a buddy allocator.

    Block (k, n) covers ranges n * 2**k to (n + 1) * 2**k - 1, so the number of joins is the number of ranges and the
    result does not depend on the order in which ranges arrive.
    """

    def __init__(self) -> None:
        self.blocks: dict[tuple[int, int], pl.DataFrame] = {}

    def add(self, block: tuple[int, int], span: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Add a block; yields the gaps between it and its neighbours as far as they are present."""
        level, number = block
        while (level, number ^ 1) in self.blocks:
            other = self.blocks.pop((level, number ^ 1))
            left, right = (other, span) if number & 1 else (span, other)
            span, gaps = _joined(left, right)
            yield gaps
            level, number = level + 1, number >> 1
        self.blocks[level, number] = span

    def rest(self) -> Iterator[pl.DataFrame]:
        """Gaps between the blocks that are left, when all ranges have arrived."""
        blocks = sorted(self.blocks, key=lambda block: block[1] << block[0])
        spans = [self.blocks[block] for block in blocks]
        for span in spans[1:]:
            spans[0], gaps = _joined(spans[0], span)
            yield gaps


def _joined(left: pl.DataFrame, right: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The span of both, and the gaps between the last row in `left` and the first in `right` of each user."""
    both = right.join(left.select("user", before="last"), on="user")
    gaps = _binned(both["window"].to_numpy(), (both["first"] - both["before"]).to_numpy())
    merged = pl.concat([left, right]).group_by("user")
    return merged.agg(pl.min("first"), pl.min("window"), pl.max("last")), gaps
