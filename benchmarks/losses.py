"""One training step over 4,200,000 items: seconds and peak memory of the sampled losses.

    python -m benchmarks.losses

SS4Rec, 64 wide, 41 windows of 100 positions (4,100 targets), 512 shared negatives, sparse embedding updates.
Each loss runs in a separate process. The peak is that of the process, embeddings and the optimiser's state included;
the first step allocates them.
"""

import argparse
import subprocess
import sys
import time
from statistics import median
from types import SimpleNamespace

import torch
from recbole.data.interaction import Interaction

from benchmarks.command import execute
from benchmarks.machine import describe, peak_memory_mb
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.evaluation.values import ValueScorer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.training.trainer import RunTrainer

ITEMS, WINDOWS, LENGTH, STEPS = 4_200_000, 41, 100, 6
LOSSES = ("sampled_softmax", "gBCE")


def batch() -> Interaction:
    """Windows of random items."""
    items = torch.randint(1, ITEMS + 1, (WINDOWS, LENGTH + 1))
    times = torch.arange(LENGTH).expand(WINDOWS, LENGTH) * 1000
    return Interaction(
        {
            "item_id_list": items[:, :-1],
            "timestamp_list": times,
            "next_item_id_list": items[:, 1:],
            "next_timestamp_list": times + 1000,
            "item_length": torch.full((WINDOWS,), LENGTH),
        }
    )


def measure(loss_type: str) -> None:
    """Time steps of one loss."""
    given = {"loss_type": loss_type, "sparse_embedding": True, "n_negatives": 512}
    config = build_config("SS4Rec", "ml-100k", [], given)
    seen = {"item_id": torch.randint(1, ITEMS + 1, (1_000_000,))}
    catalogue = SimpleNamespace(iid_field="item_id", item_num=ITEMS + 1, inter_feat=seen, num=lambda field: ITEMS + 1)
    model = config.model_class(config, catalogue)
    trainer = RunTrainer(config, model, Evaluator(model, ValueScorer(config), config.placement))
    seconds = []
    for _ in range(STEPS):
        rows, started = batch(), time.perf_counter()
        trainer.train_epoch([rows], 0)
        seconds.append(time.perf_counter() - started)
    steady = median(seconds[1:])
    print(f"{loss_type:16} first step {seconds[0]:.2f} s, then {steady:.2f} s, peak {peak_memory_mb():,.0f} MB")


def main() -> None:
    """Each loss in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loss", nargs="?", choices=LOSSES, help="one of them, in this process")
    loss = parser.parse_args().loss
    if loss:
        measure(loss)
        return
    print(describe(), flush=True)
    for name in LOSSES:
        subprocess.run([sys.executable, "-m", "benchmarks.losses", name], check=True)


if __name__ == "__main__":
    execute(main)
