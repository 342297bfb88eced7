"""The splits of a cut data set against training, in their descriptions."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dataset_tools.describe.alerts import COLD, NEW_ITEMS, NEW_USERS, OF_A_WHOLE, OF_TRAINING, Alert
from dataset_tools.describe.describe import VALUE_FIELDS
from dataset_tools.describe.described import Described
from dataset_tools.drift.split_distances import SplitCounts, SplitDistance, split_distances
from dataset_tools.files.dataset_files import PARTS
from dataset_tools.files.headers import read_header
from dataset_tools.files.ids import Ids
from dataset_tools.files.interactions import Interactions
from dataset_tools.files.texts import Texts, as_number
from dataset_tools.progress import Progress

_UNKNOWN = (
    ("new_users", "unknown_users", "by users", NEW_USERS),
    ("new_items", "unknown_items", "of items", NEW_ITEMS),
)
"""Rule of alerts, measure, whose rows, and what many of them mean."""


def with_distances(
    described: list[Described], files: Sequence[Path], fields: Namespace, quiet: bool
) -> list[Described]:
    """The descriptions of the parts of one cut, those after training with their distances to it.

    Args:
        described: of the parts.
        files: of the parts; of a data set in one file, or without a file of training, nothing is added.
        fields: with user_field, item_field, time_field and time_unit.
        quiet: no progress bar.

    Raises:
        DataError: a row cannot be read.
    """
    names = [_part(file) for file in files]
    if len(files) < 2 or names[0] != PARTS[0]:
        return described
    ids = {"users": Ids(), "items": Ids()}
    bar = Progress("comparing the parts", sum(file.stat().st_size for file in files), enabled=not quiet)
    try:
        counts = {name: _counted(file, fields, ids, bar) for name, file in zip(names, files, strict=True)}
    finally:
        bar.close()
    found = split_distances(counts)
    return [
        _with(one, [each for each in found if each.split == name]) for one, name in zip(described, names, strict=True)
    ]


def _with(one: Described, found: Sequence[SplitDistance]) -> Described:
    """A part with its distances; a later part's users and items are known from training, not from itself."""
    unfit = OF_A_WHOLE | OF_TRAINING if found else OF_A_WHOLE
    alerts = [*cold(found), *(each for each in one.alerts if each.name not in unfit)]
    return replace(one, numbers=one.numbers | _numbers(found), alerts=alerts)


def cold(found: Sequence[SplitDistance]) -> list[Alert]:
    """What many unknown users or items in a later part mean.

    Args:
        found: its distances from training.
    """
    shares = {each.measure: each.value for each in found}
    return [
        Alert(
            name,
            round(shares[measure], 6),
            f"{shares[measure]:.1%} of the rows are {whose} that training does not have",
            means,
        )
        for name, measure, whose, means in _UNKNOWN
        if shares.get(measure, 0.0) >= COLD
    ]


def _part(file: Path) -> str:
    return file.name.removesuffix(".inter").rpartition(".")[2]


def _numbers(found: Sequence[SplitDistance]) -> dict[str, dict[str, float]]:
    if not found:
        return {}
    return {
        "distance from training": {each.title: round(each.value, 4) for each in found},
        "of a random split of this size": {each.title: round(each.random, 4) for each in found},
    }


def _counted(file: Path, fields: Namespace, ids: dict[str, Ids], bar: Progress) -> SplitCounts:
    """The rows of one part, range by range."""
    value = next((name for name in VALUE_FIELDS if name in {found.field for found in read_header(file)}), None)
    log = Interactions(file, fields.user_field, fields.item_field, fields.time_field, value, time_unit=fields.time_unit)
    log.users, log.items = ids["users"], ids["items"]  # one numbering for all parts
    counts = SplitCounts()
    for part in log.ranges():
        chunk = log.chunk(part)
        counts.add_ids(chunk.users, chunk.items)
        counts.add_times(chunk.times)
        if value:
            counts.add_values(_numbers_of(chunk.values, log.texts))
        bar.update(part.end - part.start)
    return counts


def _numbers_of(values: np.ndarray, texts: Texts) -> np.ndarray:
    """(n,) float of the values that are numbers."""
    codes, place = np.unique(values, return_inverse=True)
    numbers = np.array([as_number(text) for text in texts.tokens(codes)], float)  # None becomes NaN
    found = numbers[place]
    return found[np.isfinite(found)]
