"""How fast a trainer takes its steps: rows per second, on the clock and of one core's work."""

import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Throughput:
    """What was measured.

    Attributes:
        rows: that were learnt from.
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
    """
    rows, begun, worked = 0, 0.0, 0.0
    for number, batch in enumerate(loader):
        if number == warm_up:
            rows, begun, worked = 0, time.perf_counter(), time.process_time()
        trainer._train_batch(trainer.model.calculate_loss, batch, 0, number)
        trainer.steps.step(trainer.optimizer)
        rows += len(batch[field])
        if number == warm_up + batches - 1:
            break
    return Throughput(rows, time.perf_counter() - begun, time.process_time() - worked)
