"""A few batches, as many as fit into seconds, and from them the time and the memory of a whole run."""

import copy
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from recbole.data.interaction import Interaction

from recbole_ext.config.config import Config
from recbole_ext.data.loader_view import LoaderView
from recbole_ext.data.loaders import Loaders
from recbole_ext.peak_memory import peak_memory_bytes
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.training.trees import AnyTrainer

TRAIN_BATCHES, EVAL_BATCHES = 20, 5
SECONDS = 4.0
"""A pass is measured on more rows only as far as they fit into this time."""
PROBE = 1 / 16
"""Fraction of a batch that is measured first: with a large catalogue a whole one may take minutes."""


def estimate(config: Config) -> dict[str, float]:
    """Train and validate on a slice of a run that is not started yet; writes nothing. See `estimated`."""
    loaders = build_loaders(config, create_dataset(config))
    return estimated(loaders, build_trainer(config, loaders))


def estimated(loaders: Loaders, trainer: AnyTrainer) -> dict[str, float]:
    """Train and validate on a slice.

    Returns:
        `epoch_seconds`, `valid_seconds`, `total_seconds` (of all `epochs`, without early stopping), `memory_gb`
        (peak of the process) and, on a GPU, `device_memory_gb`.

    Raises:
        RecBoleExtError: what the run itself would raise.
    """
    epoch = _extrapolated(lambda part: trainer.train_epoch(part, 0), loaders.train, TRAIN_BATCHES)
    valid = 0.0
    if loaders.valid:
        valid = _extrapolated(trainer.evaluator.evaluate, loaders.valid, EVAL_BATCHES)
    per_epoch = epoch + valid / max(1, trainer.settings.eval_step)
    found = {"epoch_seconds": epoch, "valid_seconds": valid, "total_seconds": trainer.settings.epochs * per_epoch}
    found["memory_gb"] = peak_memory_bytes() / 1e9
    if trainer.device.type == "cuda":
        found["device_memory_gb"] = torch.cuda.max_memory_allocated(trainer.device) / 1e9
    return found


def lines(config: Config, found: dict[str, float]) -> list[str]:
    """The estimate as text."""
    return [
        f"an epoch takes about {found['epoch_seconds']:.3g} s, a validation {found['valid_seconds']:.3g} s",
        f"all {config['epochs']} epochs take about {found['total_seconds'] / 60:.3g} min; early stopping may end "
        "sooner",
        "memory at most: "
        + ", ".join(f"{found[key]:.2f} GB {where}" for key, where in _MEMORY.items() if key in found),
    ]


_MEMORY = {"memory_gb": "of the process", "device_memory_gb": "of the device"}


class FirstBatches(LoaderView):
    """The first batches of a loader, or the first rows of them.

    Args:
        whole: the loader; a copy, so that what a pass sets is not seen in it.
        count: at most as many batches.
        part: fraction of each batch.

    Attributes:
        part: of the last batch that was read; 1 where a batch cannot be cut.
    """

    def __init__(self, whole: Any, count: int, part: float = 1.0) -> None:
        super().__init__(copy.copy(whole))
        self.count, self.wanted, self.part = min(count, len(whole)), part, part

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        return (self._cut(batch) for batch in islice(iter(self.whole), self.count))

    def _cut(self, batch: Any) -> Any:
        rows = batch[0] if isinstance(batch, tuple) and len(batch) == _FULL_RANKING else batch
        if self.wanted == 1 or not isinstance(rows, Interaction):
            self.part = 1.0
            return batch
        count = min(len(rows), max(_FEWEST_ROWS, int(len(rows) * self.wanted)))
        self.part = count / len(rows)
        return rows[:count] if rows is batch else (rows[:count], *_of_rows(count, *batch[1:]))


class FirstRows(FirstBatches):
    """The first rows of an evaluation: a few lists of a full ranking, else a whole batch.

    Args:
        whole: the loader.

    Attributes:
        rows: of the batch that was read.
    """

    def __init__(self, whole: Any) -> None:
        super().__init__(whole, 1)
        self.rows = 0

    def _cut(self, batch: Any) -> Any:
        is_lists = isinstance(batch, tuple) and len(batch) == _FULL_RANKING and batch[2] is not None
        self.wanted = min(1.0, _FEW_LISTS / len(batch[0])) if is_lists else 1.0
        found = super()._cut(batch)
        self.rows = len(found[0] if isinstance(found, tuple) else found)
        return found


_FEW_LISTS = 256
_FULL_RANKING = 4
"""Length of a batch of lists: rows, seen pairs, and row and item of each target."""
_FEWEST_ROWS = 8


def _of_rows(count: int, seen: Any, row: Any, item: Any) -> tuple[Any, Any, Any]:
    """Pairs and targets of the first rows of a batch of lists; labelled rows have none."""
    if row is None:
        return seen, row, item
    kept = None if seen is None else (seen[0][seen[0] < count], seen[1][seen[0] < count])
    return kept, row[row < count], item[row < count]


def _extrapolated(execute: Callable[[Any], Any], loader: Any, most: int) -> float:
    """Seconds of a whole pass, from a part of its first batch and from as many batches as the time allows.

    Where the time allows no two batches, the estimate is one from above: what a pass or a batch costs besides its rows
    counts once per batch.

    Args:
        execute: trains or evaluates on a loader.
        loader: the whole one.
        most: batches that are enough.
    """
    probe = FirstBatches(loader, 1, PROBE)
    execute(probe)  # kernels are compiled and memory is taken
    small = _timed(lambda: execute(probe))
    batch = small / probe.part
    if 2 * batch > SECONDS:
        return len(loader) * _batch_by_parts(execute, loader, probe.part, small)
    one = _timed(lambda: execute(FirstBatches(loader, 1)))
    count = min(most, len(loader), int(SECONDS / one))
    if count <= 1:
        return one * len(loader)
    several = _timed(lambda: execute(FirstBatches(loader, count)))
    per_batch = (several - one) / (count - 1) if several > one else several / count
    return several + per_batch * (len(loader) - count)


def _batch_by_parts(execute: Callable[[Any], Any], loader: Any, part: float, seconds: float) -> float:
    """Seconds of a batch that is too long to be measured whole, from a part of it and its seconds."""
    larger = min(1.0, SECONDS * part / seconds)
    if larger < 2 * part:
        return seconds / part
    found = FirstBatches(loader, 1, larger)
    longer = _timed(lambda: execute(found))
    return seconds + max(0.0, longer - seconds) * (1 - part) / (found.part - part)


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
