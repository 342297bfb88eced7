"""Statistics of one range of interactions, see `totals`."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset_tools.describe.repeats import rows_of_sample
from dataset_tools.files.interactions import Chunk, Interactions
from dataset_tools.files.texts import Texts
from dataset_tools.lines.ranges import ByteRange
from dataset_tools.times.clocks import steps

GAP_BINS = 34  # bin b holds gaps of 2**(b-1) to 2**b - 1 seconds, bin 0 the gap 0
DAY, HOUR = 86400, 3600


@dataclass(frozen=True)
class SummaryJob:
    """One range of an `.inter` file.

    Attributes:
        fields: of users, items and times; None without times.
        one_in: of how many users one is in the sample, see `repeats`.
    """

    part: ByteRange
    path: Path
    fields: tuple[str, str, str | None]
    value_field: str | None
    time_unit: str = "seconds"
    one_in: int = 1


@dataclass(frozen=True)
class Summary:
    """Counts of one range.

    Args:
        rows: in it.
        users: (5, n) codes, rows, times of the first and the last row, and the smallest time of each user.
        items: (3, n) codes, rows and smallest time of each item.
        user_names, item_names: tokens of odd codes, see ids.py.
        gaps: (GAP_BINS,) consecutive rows of one user within the range, by the time between them.
        backwards: such pairs in which time goes back.
        ties: neighbouring rows with the same time.
        disorder: neighbouring rows in which time goes back.
        times: first and last row's time, whole seconds and fraction.
        extremes: smallest and largest time.
        hours: rows per hour since 1970.
        midnight: rows whose time is the beginning of a day in UTC.
        sample: (3, n) user, item and time of the rows of sampled users.
        values: rows per value as text.
    """

    rows: int
    users: np.ndarray
    items: np.ndarray
    user_names: list[str]
    item_names: list[str]
    gaps: np.ndarray
    backwards: int
    ties: int
    disorder: int
    times: tuple[tuple[int, int], tuple[int, int]]
    extremes: tuple[int, int]
    hours: Counter[int]
    midnight: int
    sample: np.ndarray
    values: Counter[str]


def summarise_range(job: SummaryJob) -> Summary:
    """Read one range and count."""
    log = Interactions(job.path, *job.fields, value_field=job.value_field, time_unit=job.time_unit)
    chunk = log.chunk(job.part)
    users, gaps, backwards = _users(chunk)
    back, tied = steps(chunk.times, chunk.fractions)
    return Summary(
        rows=len(chunk.times),
        users=users,
        items=_items(chunk),
        user_names=list(log.users.names),
        item_names=list(log.items.names),
        gaps=gaps,
        backwards=backwards,
        ties=int(tied.sum()),
        disorder=int(back.sum()),
        times=(_full(chunk, 0), _full(chunk, -1)),
        extremes=(int(chunk.times.min()), int(chunk.times.max())),
        hours=_counted(chunk.times // HOUR),
        midnight=int((chunk.times % DAY == 0).sum()),
        sample=rows_of_sample(chunk.users, chunk.items, chunk.times, log.users, job.one_in),
        values=_by_text(chunk.values, log.texts),
    )


def _full(chunk: Chunk, row: int) -> tuple[int, int]:
    return int(chunk.times[row]), 0 if chunk.fractions is None else int(chunk.fractions[row])


def _counted(values: np.ndarray) -> Counter[int]:
    found, counts = np.unique(values, return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist(), strict=True)))


def _by_text(values: np.ndarray, texts: Texts) -> Counter[str]:
    codes, counts = np.unique(values, return_counts=True)
    found = Counter[str]()
    for text, count in zip(texts.tokens(codes), counts.tolist(), strict=True):
        found[text] += count
    return found


def _users(chunk: Chunk) -> tuple[np.ndarray, np.ndarray, int]:
    """Per user: code, rows, times of the first and last row, smallest time; the gaps; and how many go back."""
    codes, times, first, rows = _by_code(chunk.users, chunk.times)
    gaps = np.diff(times)[np.diff(codes) == 0]
    earliest = np.minimum.reduceat(times, first)
    table = np.array([codes[first], rows, times[first], times[first + rows - 1], earliest])
    return table, gap_counts(gaps), int((gaps < 0).sum())


def _items(chunk: Chunk) -> np.ndarray:
    codes, times, first, rows = _by_code(chunk.items, chunk.times)
    return np.array([codes[first], rows, np.minimum.reduceat(times, first)])


def _by_code(codes: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Codes and times in the order of the codes, where each code begins, and how many rows it has."""
    order = np.argsort(codes, kind="stable")
    codes, times = codes[order], times[order]
    first = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    return codes, times, first, np.diff(first, append=len(codes))


def gap_counts(gaps: np.ndarray) -> np.ndarray:
    """(GAP_BINS,) counts of the gaps that are not negative."""
    _, exponents = np.frexp(gaps[gaps >= 0].astype(np.float64))
    return np.bincount(np.minimum(exponents, GAP_BINS - 1), minlength=GAP_BINS)
