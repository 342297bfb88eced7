"""Batches of ratings: training rows in a random order, and rows to predict in their own."""

from collections.abc import Iterator
from typing import Any

import torch
from recbole.data.interaction import Interaction
from torch import Tensor

from recbole_ext.data.rows.replay import replayed

ROW = "rating_row"
"""The field of a training batch that names each row's place in the training split."""


class RatingLoader:
    """Batches of training rows, sampled again in each epoch.

    Each batch is an Interaction of (B,) columns: those of the interactions, and `ROW`.

    Args:
        config: `train_batch_size`, `eval_batch_size`, `seed`.
        dataset: one split.
        sampler: none; here because RecBole's loaders have one.
        shuffle: whether rows are sampled; off: in their order.
    """

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = True) -> None:
        self.config, self.dataset, self._dataset, self._sampler = config, dataset, dataset, sampler
        self.shuffle, self.generator = shuffle, torch.Generator().manual_seed(config["seed"])
        self.columns = dict(dataset.inter_feat.interaction)
        self.chosen = self.chosen_rows()
        self.n_rows = len(dataset) if self.chosen is None else len(self.chosen)
        self.batch_size = config["train_batch_size"]

    def chosen_rows(self) -> Tensor | None:
        """(m,) int64 places of the rows of the split that are trained on; None for all."""
        return replayed(self.config, self.columns.get(self.dataset.time_field))

    def __len__(self) -> int:
        return -(-self.n_rows // self.batch_size)

    def batch_rows(self) -> Iterator[Tensor]:
        """The rows of each batch of a pass, (B,) int64 each."""
        order = torch.randperm(self.n_rows, generator=self.generator) if self.shuffle else torch.arange(self.n_rows)
        return iter(order.split(self.batch_size))

    def __iter__(self) -> Iterator[Any]:
        return (self.batch(rows) for rows in self.batch_rows())

    def batch(self, rows: Tensor) -> Any:
        """The rows (B,) int64 of those that are chosen, as the trainer takes them."""
        rows = rows if self.chosen is None else self.chosen[rows]
        return Interaction({**{name: column[rows] for name, column in self.columns.items()}, ROW: rows})


class RatingEvalLoader(RatingLoader):
    """Batches of rows to predict, in their order, as RecBole's evaluation takes them."""

    def __init__(self, config: Any, dataset: Any, sampler: Any = None, shuffle: bool = False) -> None:
        super().__init__(config.alone(), dataset, sampler, shuffle=False)
        self.batch_size = config["eval_batch_size"]

    def chosen_rows(self) -> Tensor | None:
        """All."""
        return None

    def batch(self, rows: Tensor) -> Any:
        """The rows (B,), and three empty places: nothing is ranked."""
        return Interaction({name: column[rows] for name, column in self.columns.items()}), None, None, None

    def batches_with(self, wanted: Tensor) -> Iterator[tuple[Tensor, Any]]:
        """Those batches of an evaluation that hold any of the rows that `wanted` (n_rows,) bool marks.

        A row is rounded as its batch is, so what the evaluation computed comes out of whole batches alone.

        Returns:
            The rows (B,) of each batch, and the batch.
        """
        return ((rows, self.batch(rows)[0]) for rows in self.batch_rows() if bool(wanted[rows].any()))


class RatingSampleLoader(RatingEvalLoader):
    """Some training rows to predict, each named by `ROW`, so that the model leaves its own rating out.

    Args:
        config: of the run.
        dataset: the training split.
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
