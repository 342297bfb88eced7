"""One training batch divided among processes, so that all of them together take the steps of a single one.

Every process draws the batches that a single process would draw, from the same seed, and computes its own rows of each.
A loss is a mean over rows or targets, and the parts have different numbers of them: `share` says by what to multiply a
part's loss, so that the mean over all processes is the loss of the whole batch.
"""

from collections.abc import Iterator
from typing import Any

from recbole_ext.config.config import Config
from recbole_ext.devices import Placement

SHARE = "share"
"""Attribute of an Interaction: own rows (or targets) / all of the batch's x number of processes; absent for 1."""


def divided(loader_class: type[Any], config: Config) -> type[Any]:
    """The loader's class, with each batch divided among the processes of `config`; itself for a single one.

    It has to be made with `config.alone()`.
    """
    if config.placement.world_size == 1:
        return loader_class
    part = _OwnRowsFirst if hasattr(loader_class, "batch") else _OwnRowsAfter
    return type(loader_class.__name__, (part, loader_class), {})


def own_rows(count: int, placement: Placement) -> slice:
    """The rows of one process, next to each other; empty where there are fewer rows than processes."""
    rank, size = placement.rank, placement.world_size
    return slice(count * rank // size, count * (rank + 1) // size)


class _OwnRowsFirst:
    """For our loaders: rows are chosen before their batch is written out."""

    config: Config

    def batch(self, rows: Any) -> Any:
        """This process's part of the batch of `rows`; a row that counts nothing where it has none."""
        count, own = getattr(self, "count_targets", len), rows[own_rows(len(rows), self.config.placement)]
        interaction = super().batch(own if len(own) else rows[:1])  # type: ignore[misc]
        share = count(own) * self.config.placement.world_size / count(rows) if len(own) else 0.0
        setattr(interaction, SHARE, share)
        return interaction


class _OwnRowsAfter:
    """For RecBole's loaders: every process draws the whole batch with its negatives, and keeps its rows."""

    config: Config

    def __iter__(self) -> Iterator[Any]:
        batches = super().__iter__()  # type: ignore[misc]
        while (joint := next(batches, None)) is not None:  # some of RecBole's loaders are their own iterator
            own = joint[own_rows(len(joint), self.config.placement)]
            share = len(own) * self.config.placement.world_size / len(joint)
            own = own if len(own) else joint[:1]
            setattr(own, SHARE, share)
            yield own
