"""How far the validation and test splits of a run are from its training split, for `result.json` and the report."""

from dataclasses import asdict
from typing import Any

import numpy as np

from dataset_tools.drift.split_distances import SplitCounts, split_distances
from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.data.rows.split_counts import trained_columns

_NAMES = ("train", "valid", "test")


def distances_of_splits(config: Config, loaders: Loaders) -> list[dict[str, Any]]:
    """The measures of drift of validation and test against training, each beside that of a random split.

    Training counts what it reads: targets and histories; the others count their targets.

    Args:
        config: of the run.
        loaders: of the run.

    Returns:
        [] for data without a user or an item field.
    """
    parts, dataset = loaders.parts, loaders.parts[0]
    if not dataset.uid_field or not dataset.iid_field:
        return []
    columns = [trained_columns(dataset, parts), *map(_columns, parts[1:])]
    counts = {}
    for name, part, found in zip(_NAMES, parts, columns, strict=True):
        if len(part):
            counts[name] = _counted(config, part, {field: np.asarray(values) for field, values in found.items()})
    return [asdict(each) for each in split_distances(counts)]


def _columns(part: Any) -> dict[str, Any]:
    names = (part.uid_field, part.iid_field, part.time_field)
    return {name: part.inter_feat[name] for name in names if name in part.inter_feat}


def _counted(config: Config, part: Any, columns: dict[str, np.ndarray]) -> SplitCounts:
    counts = SplitCounts()
    counts.add_ids(columns[part.uid_field], columns[part.iid_field])
    if part.timed and part.time_field in columns:
        counts.add_times(columns[part.time_field].astype(np.int64))
    for name in (config["RATING_FIELD"], config["LABEL_FIELD"]):
        if name in part.inter_feat:
            values = np.asarray(part.inter_feat[name], dtype=np.float64)
            counts.add_values(values[np.isfinite(values)])
            break
    return counts
