"""Description of a data set: one table of numbers, the counts of the charts, and what to know before training."""

import math
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from dataset_tools.describe.alerts import alerts
from dataset_tools.describe.bars import bars_of
from dataset_tools.describe.described import Described, TopItem
from dataset_tools.describe.repeats import one_in
from dataset_tools.describe.summary import DAY, SummaryJob, summarise_range
from dataset_tools.describe.totals import Totals
from dataset_tools.engines.choice import make_engine
from dataset_tools.errors import DataError
from dataset_tools.files.dataset_files import whole_file
from dataset_tools.files.headers import read_header
from dataset_tools.files.interactions import Interactions
from dataset_tools.files.titles import read_titles
from dataset_tools.progress import Progress
from dataset_tools.times.tally import moment

VALUE_FIELDS = ("rating", "label", "behavior")
TIME_FIELD = "timestamp"
MAX_VALUES = 50
TOP_ITEMS = 10


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
    names, value = _columns(file, fields)
    ranges = Interactions(file, *names).ranges()
    if not ranges:
        raise DataError(f"{file}: no rows.")
    sample = one_in(file)
    totals, engine = Totals(sample), make_engine(engine_name, threads, ray_address)
    bar = Progress(f"reading {file.name}", file.stat().st_size, enabled=not quiet)
    try:
        jobs = (SummaryJob(part, file, names, value, fields.time_unit, sample) for part in ranges)
        for part, summary in zip(ranges, engine.map(summarise_range, jobs), strict=True):
            totals.add(summary)
            bar.update(part.end - part.start)
    finally:
        engine.close()
        bar.close()
    return _described(file, totals, names, value)


def _columns(file: Path, fields: Namespace) -> tuple[tuple[str, str, str | None], str | None]:
    """Those of users, items and times, and that of values; None for one that the file does not have."""
    header = {found.field for found in read_header(file)}
    time = None if fields.time_field == TIME_FIELD and TIME_FIELD not in header else fields.time_field
    return (fields.user_field, fields.item_field, time), next((name for name in VALUE_FIELDS if name in header), None)


def _described(file: Path, totals: Totals, names: tuple[str, str, str | None], value: str | None) -> Described:
    values = _value_counts(totals.values) if value else {}
    has_times = names[2] is not None
    name = file.name.removesuffix(".inter")
    numbers = {"name": name, **_sizes(totals), **(_clock(totals) if has_times else {})}
    if values:
        numbers[value or ""] = dict(values)
    return Described(
        name,
        numbers,
        bars_of(totals, has_times, values, value),
        alerts(totals, has_times, values, value),
        _top_items(file, totals, names[1]),
    )


def _sizes(totals: Totals) -> dict[str, Any]:
    users, items = totals.history_lengths, totals.item_counts
    return {
        "rows": totals.rows,
        "users": len(users),
        "items": len(items),
        "density": totals.rows / (len(users) * len(items)),
        "history length": _spread(users),
        "rows per item": _spread(items),
    }


def _clock(totals: Totals) -> dict[str, Any]:
    return {
        "first": moment(totals.first, "seconds"),
        "last": moment(totals.last, "seconds"),
        "days": round((totals.last - totals.first) / DAY, 2),
        "gaps of 0 s within a user": _share(int(totals.gaps[0]), totals.pairs),
        "gaps of a day or more": _share(int(totals.gaps[18:].sum()), totals.pairs),
        "neighbours with one time": _share(totals.ties, totals.rows - 1),
        "rows out of time order": totals.disorder,
    }


def _top_items(file: Path, totals: Totals, id_field: str) -> list[TopItem]:
    order = np.argsort(-totals.item_rows, kind="stable")[:TOP_ITEMS]
    rows = totals.item_rows[order]
    tokens = totals.item_ids.tokens(order[rows > 0])
    titles = read_titles(file.with_name(f"{file.name.partition('.')[0]}.item"), id_field, tokens)
    return [
        TopItem(item, titles.get(item, ""), int(count), round(int(count) / totals.rows, 6))
        for item, count in zip(tokens, rows, strict=False)
    ]


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole > 0 else 0.0


def _spread(counts: np.ndarray) -> dict[str, float]:
    low, quarter, half, upper, high = np.percentile(counts, [0, 25, 50, 75, 100]).tolist()
    mean = round(float(counts.mean()), 2)
    return {"min": low, "25%": quarter, "median": half, "75%": upper, "max": high, "mean": mean}


def _value_counts(texts: Counter[str]) -> dict[str, int]:
    """Numbers in numerical order; nothing when there are too many values to be categories."""
    if len(texts) > MAX_VALUES:
        return {}
    return dict(sorted(texts.items(), key=lambda entry: (_as_number(entry[0]), entry[0])))


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf
