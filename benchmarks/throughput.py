"""Training throughput on a synthetic log: rows per second of wall time and of CPU time."""

import time
from dataclasses import dataclass
from typing import Any

from recbole.data.interaction import Interaction

from recbole_ext.errors import DataError


class MadeLog:
    """What a loader and a model read from a training split, besides how it was made: rows, and the sizes of its fields.

    Attributes:
        inter_feat: the rows.
        sizes: number of ids of each field, 0 included.
    """

    uid_field, iid_field, time_field = "user_id", "item_id", "timestamp"
    user_feat = item_feat = None
    inter_feat: Interaction

    def __init__(self, n_users: int, n_items: int) -> None:
        self.user_num, self.item_num = n_users + 1, n_items + 1
        self.sizes = {self.uid_field: self.user_num, self.iid_field: self.item_num}

    def __len__(self) -> int:
        return len(self.inter_feat)

    def num(self, field: str) -> int:
        """Number of ids of a field."""
        return self.sizes[field]


@dataclass(frozen=True)
class Throughput:
    """What was measured.

    Attributes:
        rows: that were learned from.
        seconds: of the clock.
        cpu_seconds: of work, all cores together.
    """

    rows: int
    seconds: float
    cpu_seconds: float


def train_some(trainer: Any, loader: Any, field: str, warm_up: int, batches: int) -> Throughput:
    """Take `batches` steps, after `warm_up` unmeasured ones that compile kernels and make the optimiser's state.

    Args:
        trainer: with its model in training mode.
        loader: of its batches.
        field: of a batch, (B, ...), by which its rows are counted.
        warm_up: first steps that do not count.
        batches: steps that count; fewer where the loader ends before.

    Raises:
        DataError: the loader ends before they begin.
    """
    rows, begun, worked = 0, 0.0, 0.0
    for number, batch in enumerate(loader):
        if number == warm_up:
            rows, begun, worked = 0, time.perf_counter(), time.process_time()
        trainer.steps.add(trainer.model.calculate_loss, batch, (0, number), 0.0)
        trainer.steps.step(trainer.optimizer)
        rows += len(batch[field])
        if number == warm_up + batches - 1:
            break
    if not begun:
        raise DataError(
            f"an epoch has {len(loader)} batches, and the first {warm_up} do not count; generate a longer log"
        )
    return Throughput(rows, time.perf_counter() - begun, time.process_time() - worked)
