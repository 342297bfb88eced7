"""What the guards of the trainer cost: an epoch of SS4Rec on ml-100k with them and without.

    python -m benchmarks.overhead [--pairs=3]

Without: the batches, the loss, its gradient, the step, and the loss as a number. With: all that `fit` does around
an epoch, from norms, checks of every number, timing and the watch over hangs to the state saved at the end.
Epochs alternate, and processor seconds are compared beside those of the clock, so that other work on the machine
does not enter the ratio.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.command import execute
from benchmarks.machine import describe
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.training.batches import Batches
from recbole_ext.training.session import Session
from recbole_ext.training.trainer import RunTrainer


def bare_epoch(trainer: Any, loader: Any) -> None:
    """The minimal training loop."""
    trainer.model.train()
    total = 0.0
    for batch in loader:
        loss = trainer.model.calculate_loss(batch.to(trainer.device))
        loss.backward()
        trainer.optimizer.step()
        trainer.optimizer.zero_grad()
        total += float(loss.detach())


def seconds(call: Any) -> tuple[float, float]:
    """Processor and clock seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    config = build_config("SS4Rec", "ml-100k", [], {"device": "cpu", "epochs": 10**6, "show_progress": False})
    loaders = build_loaders(config, create_dataset(config))
    with tempfile.TemporaryDirectory() as folder:
        trainer = build_trainer(config, loaders, Session(RunDirectory.new(Path(folder), "SS4Rec", "ml-100k")))
        assert isinstance(trainer, RunTrainer)
        trainer.begin(Batches(loaders.train, None, trainer.model))
        bare_epoch(trainer, loaders.train)  # kernels are compiled
        bare, guarded = [], []
        for _ in range(pairs):
            bare.append(seconds(lambda: bare_epoch(trainer, loaders.train)))
            with trainer.watch.stopping_hangs(Path(folder)):
                guarded.append(seconds(trainer.epoch))
    print(describe())
    for n, name in enumerate(("processor", "clock")):
        without, with_guards = (median(pair[n] for pair in found) for found in (bare, guarded))
        ratio = with_guards / without - 1
        print(f"{name}: {without:.2f} s without, {with_guards:.2f} s with guards: {100 * ratio:+.1f} %")


if __name__ == "__main__":
    execute(main)
