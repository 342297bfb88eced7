"""Explicit ratings as a task: how rows are split, and what is refused."""

from typing import Any

import numpy as np
import torch
from recbole.data.dataset import Dataset

from recbole_ext.data.exact import ExactTime
from recbole_ext.data.restorable import Restorable
from recbole_ext.data.rows.cut import FileParts
from recbole_ext.data.rows.filters import FastFilters
from recbole_ext.data.rows.parts import TrainedRows
from recbole_ext.data.rows.row_counts import RowCounts
from recbole_ext.data.rows.time_splits import TimeSplit, leave_out_rows, split_by_time
from recbole_ext.errors import DataError
from recbole_ext.tasks.ratings.columns import RATING_COLUMNS

_LARGEST = 1e12


def split_rows(
    users: np.ndarray, times: np.ndarray | None, ratios: list[float], order: str, group_by: str | None, seed: int
) -> np.ndarray:
    """The split of each row.

        order RO, group_by none   random: the rows as `numpy.random.RandomState(seed).permutation` orders them
        order RO, group_by user   random, each user's rows by themselves
        order TO, group_by none   the newest rows of all are tested
        order TO, group_by user   each user's newest rows are tested

    The last rows in that order are the test split, those before them the validation split; each is its fraction of the
    rows, or of the user's rows, rounded down. Equal times keep the order of the file.

    Args:
        users: (n,) int64.
        times: (n,) int64 seconds; None where there are none.
        ratios: of training, validation and test; they need not sum to 1.
        order: `RO` or `TO`.
        group_by: `user`, or `none`.
        seed: of the permutation.

    Returns:
        (n,) int8: 0 training, 1 validation, 2 test.

    Raises:
        DataError: an order in time is asked for, and there are no times.
    """
    n = len(users)
    dealt = order_rows(n, times, order, seed)
    groups = users if str(group_by) == "user" else np.zeros(n, dtype=np.int64)
    dealt = dealt[np.argsort(groups[dealt], kind="stable")]
    _, group, count = np.unique(groups[dealt], return_inverse=True, return_counts=True)
    from_end = np.cumsum(count)[group] - 1 - np.arange(n)
    _, valid, test = (np.floor(count * (ratio / sum(ratios)) + 1e-9)[group] for ratio in ratios)
    part = np.empty(n, dtype=np.int8)
    part[dealt] = np.where(from_end < test, 2, np.where(from_end < test + valid, 1, 0))
    return part


def order_rows(n: int, times: np.ndarray | None, order: str, seed: int) -> np.ndarray:
    """(n,) int64: the rows in a random order (`RO`) or in that of time (`TO`), equal times in the order of the file.

    Raises:
        DataError: an order in time is asked for, and there are no times.
    """
    if order != "TO":
        return np.random.RandomState(seed).permutation(n)
    if times is None:
        raise DataError("eval_args: order TO needs times, and the data set has no time column; take order: RO")
    return np.argsort(times, kind="stable")


class RatingSplits:
    """Mixin before a data set class of RecBole: its splits by `split_seed`, apart from the seed of the run."""

    config: Any
    inter_feat: Any

    def build(self) -> list[Any]:
        """Training, validation and test splits; the files of a data set that is cut into files are its splits."""
        return super().build() if self.config["benchmark_filename"] else self._split()  # type: ignore[misc]

    def _split(self) -> list[Any]:
        self._change_feat_format()  # type: ignore[attr-defined]
        self._drop_unused_col()  # type: ignore[attr-defined]
        rows = self.inter_feat
        time = self.time_field  # type: ignore[attr-defined]
        times = rows[time].numpy() if time in rows else None
        split = split_as(self.config, rows[self.uid_field].numpy(), times)  # type: ignore[attr-defined]
        return [self.copy(rows[torch.from_numpy(np.flatnonzero(split == k))]) for k in range(3)]  # type: ignore[attr-defined]


def split_as(config: Any, users: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """The split of each row by `eval_args`: (n,) int8, 0 training, 1 validation, 2 test.

    Args:
        config: `eval_args`, `split_seed`.
        users: (n,) int64.
        times: (n,) int64 seconds; None where there are none.
    """
    arguments, seed = config["eval_args"], config["split_seed"]
    ((kind, value),) = arguments["split"].items()
    if kind == "RS":
        return split_rows(users, times, value, arguments["order"], arguments["group_by"], seed)
    order = order_rows(len(users), times, arguments["order"], seed)
    if kind == "LS":
        return leave_out_rows(users, order, value)
    assert times is not None  # the configuration requires order TO, which has them
    return split_by_time(users, times, value)


def check_ratings(config: Any, dataset: Any) -> None:
    """Refuse what no rating can be learned from.

    Args:
        config: of the run.
        dataset: read, not yet split.

    Raises:
        DataError: the ratings are all equal, beyond single precision, or off `rating_scale`.
    """
    field = config["RATING_FIELD"]
    ratings = np.asarray(dataset.inter_feat[field], dtype=np.float64)
    largest = np.abs(ratings).max()
    if not largest <= _LARGEST:
        raise DataError(
            f"{config.dataset}: ratings are computed with as squares in single precision, and the largest {field} is "
            f"{largest:g} (at most {_LARGEST:g}); scale the column, or drop such rows with "
            f"--val_interval='{{{field}: \"[-{_LARGEST:g},{_LARGEST:g}]\"}}'"
        )
    if ratings.min() == ratings.max():
        raise DataError(f"{config.dataset}: every rating is {ratings.min():g}, so there is nothing to learn")
    scale = config["rating_scale"]
    if scale:
        off = (ratings < scale[0]) | (ratings > scale[1])
        if off.any():
            raise DataError(
                f"{config.dataset}: {off.sum()} ratings lie off rating_scale {scale}, the first is "
                f"{ratings[off][0]:g}; widen the scale, or drop them with --val_interval='{{{field}: "
                f'"[{scale[0]},{scale[1]}]"}}\''
            )


def check_training(config: Any, train: Any) -> None:
    """Refuse a training split from which no rating can be learned.

    Args:
        config: of the run.
        train: the training split.

    Raises:
        DataError: its ratings are all equal.
    """
    ratings = train.inter_feat[config["RATING_FIELD"]]
    if ratings.min() == ratings.max():
        raise DataError(
            f"{config.dataset}, training split: all {len(ratings):,} ratings are {float(ratings[0]):g}, so there is "
            "nothing to learn; change the split (eval_args)"
        )


class ExactRatingDataset(
    Restorable, TrainedRows, RatingSplits, FileParts, RowCounts, ExactTime, FastFilters, TimeSplit, Dataset
):
    """Ratings with exact times; the files of a data set that is cut into files are whole before rows move over."""

    of_task = RATING_COLUMNS
