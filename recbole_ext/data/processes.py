"""One training batch divided among processes, so that all of them together take the steps of a single one.

Every process draws the batches that a single process would draw, from the same seed, and computes its own rows of each.
A loss is a mean over rows or targets, and the parts have different numbers of them: `share` is the factor for a
part's loss, so that the mean over all processes is the loss of the whole batch.
"""

from collections.abc import Iterator
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.data.loader_view import LoaderView
from recbole_ext.devices import Placement

SHARE = "share"
"""Attribute of an Interaction: own rows (or targets) / all of the batch's x number of processes; absent for 1."""


def divided(loader: Any, config: Config) -> Any:
    """The loader with each batch divided among the processes of `config`; itself for a single one.

    Args:
        loader: made with `config.alone()`.
        config: of the run.
    """
    if config.placement.world_size == 1:
        return loader
    part = _OwnRowsFirst if hasattr(loader, "batch_rows") else _OwnRowsAfter
    return part(loader, config.placement)


def own_rows(count: int, placement: Placement) -> slice:
    """The rows of one process, next to each other; empty where there are fewer rows than processes."""
    rank, size = placement.rank, placement.world_size
    return slice(count * rank // size, count * (rank + 1) // size)


class _OwnRowsFirst(LoaderView):
    """For our loaders: rows are chosen before their batch is written out.

    Args:
        whole: with `batch_rows` and `batch`.
        placement: of this process.
    """

    def __init__(self, whole: Any, placement: Placement) -> None:
        super().__init__(whole)
        self.placement, self.count_rows = placement, getattr(whole, "count_targets", len)

    def __iter__(self) -> Iterator[Any]:
        return (self._part(rows) for rows in self.whole.batch_rows())

    def _part(self, rows: Any) -> Any:
        """This process's part of the batch of `rows`; a row that counts nothing where it has none."""
        own = rows[own_rows(len(rows), self.placement)]
        interaction = self.whole.batch(own if len(own) else rows[:1])
        share = self.count_rows(own) * self.placement.world_size / self.count_rows(rows) if len(own) else 0.0
        setattr(interaction, SHARE, share)
        return interaction


class _OwnRowsAfter(LoaderView):
    """For RecBole's loaders: every process draws the whole batch with its negatives, and keeps its rows.

    Args:
        whole: any loader.
        placement: of this process.
    """

    def __init__(self, whole: Any, placement: Placement) -> None:
        super().__init__(whole)
        self.placement = placement

    def __iter__(self) -> Iterator[Any]:
        batches = iter(self.whole)
        while (joint := next(batches, None)) is not None:  # some of RecBole's loaders are their own iterator
            own = joint[own_rows(len(joint), self.placement)]
            share = len(own) * self.placement.world_size / len(joint)
            own = own if len(own) else joint[:1]
            setattr(own, SHARE, share)
            yield own
