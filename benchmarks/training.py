"""Seconds per training epoch on a real data set: all positions against prefix rows, Mamba-1 against Mamba-2.

    python -m dataset_tools convert ml-1m --download --output dataset
    python -m benchmarks.training --data_path=dataset --dataset=ml-1m

Each model trains a full epoch, after a few untimed batches. RecBole's own mode, one row per prefix, takes
hours here: it trains `--prefix_batches` batches, and the epoch is extrapolated from them by rows, which is printed.
Positions are those the model computes, padding included; targets are the interactions learned from.
"""

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch

from benchmarks.command import execute
from benchmarks.machine import describe
from recbole_ext.data.loaders import Loaders
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders

CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "SS4Rec": ("SS4Rec", {}),
    "SS4Rec, no history term": ("SS4Rec", {"history_term": "none"}),
    "SS4Rec, earlier blocks": ("SS4Rec", {"history_term": "none", "block": "post_norm", "ffn_multiplier": 0.0}),
    "SS4Rec, mamba2": ("SS4Rec", {"ssm_variant": "mamba2"}),
    "SS4Rec, bf16": ("SS4Rec", {"precision": "bf16"}),
    "Mamba4Rec": ("Mamba4Rec", {}),
    "Mamba4Rec, mamba2": ("Mamba4Rec", {"ssm_variant": "mamba2"}),
    "SASRec, all positions": ("SASRec", {"loss_type": "CE"}),
    "SASRec, compiled": ("SASRec", {"loss_type": "CE", "torch_compile": True}),
    "SASRec, prefix rows": ("SASRec", {"loss_type": "CE", "train_mode": "prefix", "train_batch_size": 2048}),
    "SS4Rec, prefix rows": ("SS4Rec", {"train_mode": "prefix", "train_batch_size": 2048}),
}
WARM_UP = 3


class _Part:
    """The first batches of a loader, as a separate loader."""

    def __init__(self, loader: Any, batches: int) -> None:
        self.loader, self.batches, self.rows, self.positions = loader, min(batches, len(loader)), 0, 0

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Any]:
        for batch in islice(self.loader, self.batches):
            self.rows += len(batch)
            self.positions += batch["item_id_list"].numel()
            yield batch


def epoch(trainer: Any, loaders: Loaders, batches: int) -> dict[str, float]:
    """Seconds, positions and targets of an epoch, scaled from `batches` of its batches if those are fewer."""
    trainer.train_epoch(_Part(loaders.train, WARM_UP), 0)
    part = _Part(loaders.train, batches)
    started = time.perf_counter()
    trainer.train_epoch(part, 0)
    seconds = time.perf_counter() - started
    windows = getattr(loaders.train, "windows", None)
    rows = len(windows.start) if windows else len(loaders.train._dataset)
    share = part.rows / rows
    targets = int(loaders.train.n_targets.sum()) if windows else rows
    return {"seconds": seconds / share, "positions": part.positions / share, "targets": targets, "share": share}


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_path")
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--length", type=int, default=200, help="longest history (default: 200)")
    parser.add_argument("--batches", type=int, default=10**9, help="batches per epoch (default: all)")
    parser.add_argument("--prefix_batches", type=int, default=3, help="batches of prefix rows (default: 3)")
    parser.add_argument("--only", default="", help="models whose name contains this")
    arguments = parser.parse_args()
    print(f"{describe()}\n{arguments.dataset}, 5-core, at most {arguments.length} events, 64 wide, one training epoch")
    print(f"{'':24}{'s/epoch':>10}{'positions':>15}{'targets':>11}{'us/position':>13}  measured")
    for name, (model, own) in CONTESTANTS.items():
        if arguments.only not in name:
            continue
        given = {
            "MAX_ITEM_LIST_LENGTH": arguments.length,
            "user_inter_num_interval": "[5,inf)",
            "item_inter_num_interval": "[5,inf)",
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            **({"data_path": arguments.data_path} if arguments.data_path else {}),
            **own,
        }
        config = build_config(model, arguments.dataset, [], given)
        loaders = build_loaders(config, create_dataset(config))
        batches = arguments.prefix_batches if "prefix" in name else arguments.batches
        found = epoch(build_trainer(config, loaders), loaders, batches)
        print(
            f"{name:24}{found['seconds']:>10.1f}{found['positions']:>15,.0f}{found['targets']:>11,.0f}"
            f"{1e6 * found['seconds'] / found['positions']:>13.1f}  {found['share']:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    torch.manual_seed(0)
    execute(main)
