"""Before a long run: a few batches, as many as fit into seconds, and from them the time and the memory of the whole."""

import copy
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch

from recbole_ext.config.config import Config
from recbole_ext.config.show import unread_lines
from recbole_ext.data.loader_view import LoaderView
from recbole_ext.peak_memory import peak_memory_bytes
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import build_trainer

TRAIN_BATCHES, EVAL_BATCHES = 20, 5
SECONDS = 4.0
"""A pass is measured on more than one batch only as far as they fit into this time."""


def dry_run(config: Config) -> dict[str, float]:
    """Train and validate on a slice; writes nothing.

    Returns:
        `epoch_seconds`, `valid_seconds`, `total_seconds` (of all `epochs`, without early stopping), `memory_gb`
        (peak of the process) and, on a GPU, `device_memory_gb`.

    Raises:
        RecBoleExtError: what the run itself would raise.
    """
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    epoch = _extrapolated(lambda part: trainer.train_epoch(part, 0), loaders.train, TRAIN_BATCHES)
    valid = 0.0
    if loaders.valid:
        valid = _extrapolated(trainer.evaluator.evaluate, loaders.valid, EVAL_BATCHES)
    per_epoch = epoch + valid / max(1, trainer.settings.eval_step)
    estimate = {"epoch_seconds": epoch, "valid_seconds": valid, "total_seconds": trainer.settings.epochs * per_epoch}
    estimate["memory_gb"] = peak_memory_bytes() / 1e9
    if trainer.device.type == "cuda":
        estimate["device_memory_gb"] = torch.cuda.max_memory_allocated(trainer.device) / 1e9
    return estimate


def lines(config: Config, estimate: dict[str, float]) -> list[str]:
    """The estimate as text."""
    return [
        f"dry run of {config.model} on {config.dataset}, on {config['device']}",
        f"an epoch takes about {estimate['epoch_seconds']:.3g} s, a validation {estimate['valid_seconds']:.3g} s",
        f"all {config['epochs']} epochs take about {estimate['total_seconds'] / 60:.3g} min; early stopping may end "
        "sooner",
        "memory at most: "
        + ", ".join(f"{estimate[key]:.2f} GB {where}" for key, where in _MEMORY.items() if key in estimate),
        *unread_lines(config),
    ]


_MEMORY = {"memory_gb": "of the process", "device_memory_gb": "of the device"}


class FirstBatches(LoaderView):
    """The first batches of a loader.

    Args:
        whole: the loader; a copy, so that what a pass sets is not seen in it.
        count: at most as many batches.
    """

    def __init__(self, whole: Any, count: int) -> None:
        super().__init__(copy.copy(whole))
        self.count = min(count, len(whole))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Any]:
        return islice(iter(self.whole), self.count)


def _extrapolated(execute: Callable[[Any], Any], loader: Any, most: int) -> float:
    """Seconds of a whole pass, from its first batch and from as many batches as the time allows.

    Where the time allows no second batch, what a pass costs besides its batches counts once per batch: an estimate from
    above.

    Args:
        execute: trains or evaluates on a loader.
        loader: the whole one.
        most: batches that are enough.
    """
    first = FirstBatches(loader, 1)
    execute(first)  # kernels are compiled and memory is taken
    one = _timed(lambda: execute(first))
    count = min(most, len(loader), int(SECONDS / one))
    if count <= 1:
        return one * len(loader)
    several = _timed(lambda: execute(FirstBatches(loader, count)))
    per_batch = (several - one) / (count - 1) if several > one else several / count
    return several + per_batch * (len(loader) - count)


def _timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
