"""Description of a data set: one table of numbers, and the counts of the charts."""

import math
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.describe.summary import DAY, SummaryJob, Totals, summarise_range
from dataset_tools.engines.choice import make_engine
from dataset_tools.errors import DataError
from dataset_tools.files.dataset_files import whole_file
from dataset_tools.files.headers import read_header
from dataset_tools.files.interactions import Interactions
from dataset_tools.progress import Progress
from dataset_tools.times.tally import moment

VALUE_FIELDS = ("rating", "label", "behavior")
MAX_VALUES = 50
MAX_TIME_BARS = 60


@dataclass(frozen=True)
class Bars:
    """One chart: labels and counts."""

    title: str
    labels: list[str]
    counts: list[int]


@dataclass(frozen=True)
class Described:
    """A data set's name, its numbers for the table, and its charts."""

    name: str
    numbers: dict[str, Any]
    bars: list[Bars]


def describe(
    path: Path,
    fields: Namespace,
    engine_name: str = "local",
    threads: int = 0,
    ray_address: str | None = None,
    quiet: bool = True,
) -> Described:
    """Read a data set once and summarise it.

    Args:
        path: folder of the data set, or its `.inter` file.
        fields: with user_field, item_field, time_field and time_unit.
        engine_name, threads, ray_address: where the ranges are read.
        quiet: no progress bar.

    Raises:
        DataError: the file has no rows, or a row cannot be read.
    """
    file = whole_file(path)
    names = (fields.user_field, fields.item_field, fields.time_field)
    value = next((name for name in VALUE_FIELDS if name in {found.field for found in read_header(file)}), None)
    ranges = Interactions(file, *names).ranges()
    if not ranges:
        raise DataError(f"{file}: no rows.")
    totals, engine = Totals(), make_engine(engine_name, threads, ray_address)
    bar = Progress(f"reading {file.name}", file.stat().st_size, enabled=not quiet)
    try:
        jobs = (SummaryJob(part, file, names, value, fields.time_unit) for part in ranges)
        for part, summary in zip(ranges, engine.map(summarise_range, jobs), strict=True):
            totals.add(summary)
            bar.update(part.end - part.start)
    finally:
        engine.close()
        bar.close()
    return _described(file.name.removesuffix(".inter"), totals, value)


def _described(name: str, totals: Totals, value: str | None) -> Described:
    users = totals.user_rows[totals.user_rows > 0]
    items = totals.item_rows[totals.item_rows > 0]
    pairs = int(totals.gaps.sum()) + totals.backwards
    values = _value_counts(totals.values) if value else {}
    numbers: dict[str, Any] = {
        "name": name,
        "rows": totals.rows,
        "users": len(users),
        "items": len(items),
        "density": totals.rows / (len(users) * len(items)),
        "first": moment(totals.first, "seconds"),
        "last": moment(totals.last, "seconds"),
        "days": round((totals.last - totals.first) / DAY, 2),
        "history length": _spread(users),
        "rows per item": _spread(items),
        "gaps of 0 s within a user": _share(int(totals.gaps[0]), pairs),
        "gaps of a day or more": _share(int(totals.gaps[18:].sum()), pairs),
        "neighbours with one time": _share(totals.ties, totals.rows - 1),
        "rows out of time order": totals.disorder,
    }
    if values:
        numbers[value or ""] = dict(values)
    bars = [
        _time_bars(totals.days),
        _power_bars("Users by history length", users),
        _power_bars("Items by number of rows", items),
        _gap_bars(totals.gaps),
    ]
    if values:
        bars.append(Bars(f"Rows by {value}", list(values), list(values.values())))
    return Described(name, numbers, bars)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole > 0 else 0.0


def _spread(counts: np.ndarray) -> dict[str, float]:
    low, quarter, half, upper, high = np.percentile(counts, [0, 25, 50, 75, 100]).tolist()
    mean = round(float(counts.mean()), 2)
    return {"min": low, "25%": quarter, "median": half, "75%": upper, "max": high, "mean": mean}


def _value_counts(packed: Counter[int]) -> dict[str, int]:
    """Values as text, numbers in numerical order; nothing when there are too many to be categories."""
    if len(packed) > MAX_VALUES:
        return {}
    texts = {code.to_bytes(8, "big").lstrip(b"\0").decode("utf-8", "replace"): n for code, n in packed.items()}
    return dict(sorted(texts.items(), key=lambda entry: (_as_number(entry[0]), entry[0])))


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf


def _time_bars(days: Counter[int]) -> Bars:
    first, last = min(days), max(days)
    width = max(math.ceil((last - first + 1) / MAX_TIME_BARS), 1)
    counts = [0] * ((last - first) // width + 1)
    for day, count in days.items():
        counts[(day - first) // width] += count
    labels = [moment((first + place * width) * DAY, "seconds").partition("T")[0] for place in range(len(counts))]
    return Bars(f"Rows over time ({width} day{'s' * (width > 1)} a bar, UTC)", labels, counts)


def _power_bars(title: str, counts: np.ndarray) -> Bars:
    """Bars for 1, 2-3, 4-7, ..."""
    bins = np.bincount(np.frexp(counts.astype(np.float64))[1])[1:]
    labels = [_span(2**power, 2 ** (power + 1) - 1) for power in range(len(bins))]
    return Bars(title, labels, bins.tolist())


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _gap_bars(gaps: np.ndarray) -> Bars:
    limits = ((0, "0 s"), (6, "< 1 min"), (12, "< 1.1 h"), (17, "< 1.5 d"), (20, "< 12 d"), (25, "< 1 y"))
    labels, counts, begin = [], [], 0
    for power, label in limits:
        labels.append(label)
        counts.append(int(gaps[begin : power + 1].sum()))
        begin = power + 1
    return Bars("Gaps between a user's rows", [*labels, "longer"], [*counts, int(gaps[begin:].sum())])


def text_table(described: Described) -> str:
    """The numbers as aligned lines."""
    return "\n".join(f"{key:<28}{shown(value)}" for key, value in described.numbers.items())


def shown(value: object) -> str:
    """A number, text or group of numbers, formatted."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) and value else f"{value:.6g}"
    return str(value)
