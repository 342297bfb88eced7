"""The splits of a cut data set against training, in their descriptions."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dataset_tools.describe.describe import VALUE_FIELDS, Described
from dataset_tools.drift.counting.profile import as_number, text_of
from dataset_tools.drift.split_distances import SplitCounts, SplitDistance, split_distances
from dataset_tools.files.dataset_files import PARTS
from dataset_tools.files.headers import read_header
from dataset_tools.files.ids import Ids
from dataset_tools.files.interactions import Interactions
from dataset_tools.progress import Progress


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
        replace(one, numbers=one.numbers | _numbers([each for each in found if each.split == name]))
        for one, name in zip(described, names, strict=True)
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
            counts.add_values(_numbers_of(chunk.values))
        bar.update(part.end - part.start)
    return counts


def _numbers_of(packed: np.ndarray) -> np.ndarray:
    """(n,) float of the values that are numbers."""
    codes, place = np.unique(packed, return_inverse=True)
    numbers = np.array([as_number(text_of(int(code))) for code in codes], float)  # None becomes NaN
    values = numbers[place]
    return values[np.isfinite(values)]
