"""Explicit ratings as a task: how rows are split, how they are dealt out in batches, and what is refused."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.rows.parts import join_validation
from recbole_ext.data.rows.time_splits import leave_out_rows, split_by_time
from recbole_ext.errors import DataError

ROW = "rating_row"
"""The field of a training batch that names each row's place in the training part."""


def rates(config: Any) -> bool:
    """Whether the model predicts ratings on their own scale."""
    return bool(config.entry.task == "rating")


def split_rows(
    users: np.ndarray, times: np.ndarray | None, ratios: list[float], order: str, group_by: str | None, seed: int
) -> np.ndarray:
    """Which part each row belongs to.

        order RO, group_by none   random: the rows as `numpy.random.RandomState(seed).permutation` orders them
        order RO, group_by user   random, each user's rows by themselves
        order TO, group_by none   the newest rows of all are tested
        order TO, group_by user   each user's newest rows are tested

    The last rows in that order are the test part, those before them the validation part; each is its share of the
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
        """Training, validation and test parts; the files of a data set that is cut into files are its parts."""
        parts = super().build() if self.config["benchmark_filename"] else self._split()  # type: ignore[misc]
        return join_validation(self, parts)

    def _split(self) -> list[Any]:
        self._change_feat_format()  # type: ignore[attr-defined]
        self._drop_unused_col()  # type: ignore[attr-defined]
        rows = self.inter_feat
        time = self.time_field  # type: ignore[attr-defined]
        times = rows[time].numpy() if time in rows else None
        split = split_as(self.config, rows[self.uid_field].numpy(), times)  # type: ignore[attr-defined]
        return [self.copy(rows[torch.from_numpy(np.flatnonzero(split == k))]) for k in range(3)]  # type: ignore[attr-defined]


def split_as(config: Any, users: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """Which split each row belongs to by `eval_args`: (n,) int8, 0 training, 1 validation, 2 test.

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
    """Refuse what no rating can be learnt from.

    Args:
        config: of the run.
        dataset: read, not yet split.

    Raises:
        DataError: the ratings are all equal, or some lie off `rating_scale`.
    """
    field = config["RATING_FIELD"]
    ratings = np.asarray(dataset.inter_feat[field], dtype=np.float64)
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


class RatingLoader:
    """Batches of training rows, drawn anew each epoch.

    Each batch is an Interaction of (B,) columns: those of the interactions, and `ROW`.

    Args:
        config: `train_batch_size`, `eval_batch_size`, `seed`.
        dataset: one part.
        sampler: none; here because RecBole's loaders have one.
        shuffle: whether rows are drawn; off: in their order.
    """

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = True) -> None:
        self.config, self.dataset, self._dataset, self._sampler = config, dataset, dataset, sampler
        self.shuffle, self.generator = shuffle, torch.Generator().manual_seed(config["seed"])
        self.columns = dict(dataset.inter_feat.interaction)
        self.n_rows = len(dataset)
        self.batch_size = config["train_batch_size"]

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def _rows(self) -> Iterator[Tensor]:
        order = torch.randperm(self.n_rows, generator=self.generator) if self.shuffle else torch.arange(self.n_rows)
        return iter(order.split(self.batch_size))

    def __iter__(self) -> Iterator[Any]:
        return (self.batch(rows) for rows in self._rows())

    def batch(self, rows: Tensor) -> Any:
        """The rows (B,) int64, as the trainer takes them."""
        return Interaction({**{name: column[rows] for name, column in self.columns.items()}, ROW: rows})


class RatingEvalLoader(RatingLoader):
    """Batches of rows to predict, in their order, as RecBole's evaluation takes them."""

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = False) -> None:
        super().__init__(config.alone(), dataset, sampler, shuffle=False)
        self.batch_size = config["eval_batch_size"]

    def batch(self, rows: Tensor) -> Any:
        """The rows (B,), and three empty places: nothing is ranked."""
        return Interaction({name: column[rows] for name, column in self.columns.items()}), None, None, None

    def batches_with(self, wanted: Tensor) -> Iterator[tuple[Tensor, Any]]:
        """Those batches of an evaluation that hold any of the rows that `wanted` (n_rows,) bool marks.

        A row is rounded as its batch is, so what the evaluation computed comes out of whole batches alone.

        Returns:
            The rows (B,) of each batch, and the batch.
        """
        return ((rows, self.batch(rows)[0]) for rows in self._rows() if bool(wanted[rows].any()))


class RatingSampleLoader(RatingEvalLoader):
    """Some training rows to predict, each named by `ROW`, so that the model leaves its own rating out.

    Args:
        config: of the run.
        dataset: the training part.
        rows: (n,) int64 places in it.
    """

    def __init__(self, config: Any, dataset: Any, rows: Tensor) -> None:
        super().__init__(config, dataset)
        self.rows, self.n_rows = rows, len(rows)

    def batch(self, rows: Tensor) -> Any:
        """The rows (B,) of the sample, and three empty places: nothing is ranked."""
        chosen = self.rows[rows]
        fields = {name: column[chosen] for name, column in self.columns.items()}
        return Interaction({**fields, ROW: chosen}), None, None, None
