"""Planted clicks that only the order of the history decides: which encoder of a click model sees it.

    python -m benchmarks.click_order [--seeds 1,2,3] [--rows 4000] [--epochs 16]

Histories hold 12 random events of 12 items, one a minute; half of the items are of kind A. The candidate is one of the
history's items. A click (1) is, without noise:

    newest   the newest event is of the candidate's kind: its age alone identifies it
    next     the event right after the candidate's latest event that has one is of kind A: its neighbor identifies it

The sequential branch of MDAFMamba alone (hidden size 32, no history-match features), with each encoder, with and
without target attention. Printed is the test AUC, mean and standard deviation over the seeds; 0.5 is chance.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import execute, numbers
from benchmarks.ctr import configuration, trained
from benchmarks.machine import describe
from dataset_tools.clicks.samples import HEADER
from recbole_ext.evaluation.click_metrics import auc
from recbole_ext.model.click.history_encoder import ENCODERS
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders

TASKS = ("newest", "next")
N_ITEMS, LENGTH, MINUTE = 12, 12, 60
SETTINGS: dict[str, Any] = {
    "branches": ["sequential"], "implicit_sets": "none", "matches": False, "time_fields": False, "hidden_size": 32,
    "learning_rate": 0.005, "train_batch_size": 64, "dropout_prob": 0.0, "stopping_step": 100,
    "MAX_ITEM_LIST_LENGTH": LENGTH,
    "load_col": {"inter": ["user_id", "item_id", "timestamp", "label", "item_id_list", "behavior_list", "age_list"]},
}  # fmt: skip


def planted(task: str, n_rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histories (n_rows, LENGTH), candidates (n_rows,) and labels (n_rows,) of a task, items numbered from 0."""
    items = rng.integers(0, N_ITEMS, (n_rows, LENGTH))
    rows = np.arange(n_rows)
    candidate = items[rows, rng.integers(0, LENGTH - 1, n_rows)]
    if task == "newest":
        return items, candidate, (items[:, -1] % 2 == candidate % 2).astype(int)
    last = LENGTH - 2 - np.argmax(items[:, -2::-1] == candidate[:, None], axis=1)
    return items, candidate, (items[rows, last + 1] % 2 == 0).astype(int)


def write(folder: Path, task: str, n_rows: int) -> None:
    """The three splits of a task, 80/10/10, as `recbole-data sample` writes them."""
    items, candidate, label = planted(task, n_rows, np.random.default_rng(2020))
    ages = " ".join(str(MINUTE * (LENGTH - k)) for k in range(LENGTH))
    lines = [
        f"{row}\t{candidate[row] + 1}\t{10_000_000 + row}\t{label[row]}\t{' '.join(map(str, items[row] + 1))}\t"
        f"{' '.join(['event'] * LENGTH)}\t{ages}\n"
        for row in range(n_rows)
    ]
    target = folder / task
    target.mkdir()
    for part, low, high in (("train", 0.0, 0.8), ("valid", 0.8, 0.9), ("test", 0.9, 1.0)):
        text = "\t".join(HEADER) + "\n" + "".join(lines[int(low * n_rows) : int(high * n_rows)])
        (target / f"{task}.{part}.inter").write_text(text)
    keys = ("USER_ID_FIELD: user_id", "ITEM_ID_FIELD: item_id", "TIME_FIELD: timestamp", "LABEL_FIELD: label")
    more = ("benchmark_filename: [train, valid, test]", "alias_of_item_id: [item_id_list]")
    (target / f"{task}.yaml").write_text("\n".join(['field_separator: "\\t"', *keys, *more]) + "\n")


def main() -> None:
    """Print the test AUC of all encoders on both tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=numbers, default="1,2,3")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=16)
    options = parser.parse_args()
    print(f"{describe()}\n{options.rows} rows, {options.epochs} epochs, seeds {', '.join(map(str, options.seeds))}")
    print(f"{'':10}{'encoder':14}{'target attention':>20}{'last state':>20}")
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS:
            write(Path(folder), task, options.rows)
            for encoder in ENCODERS:
                cells = []
                for attention in (True, False):
                    given = SETTINGS | {"encoder": encoder, "target_attention": attention}
                    found = [score(folder, task, seed, given, options.epochs) for seed in options.seeds]
                    cells.append(f"{np.mean(found):.3f} +- {np.std(found):.3f}")
                print(f"{task:10}{encoder:14}" + "".join(f"{cell:>20}" for cell in cells), flush=True)


def score(folder: str, task: str, seed: int, given: dict[str, Any], epochs: int) -> float:
    """Test AUC of one training."""
    arguments = argparse.Namespace(data=task, data_path=folder, protocol="P5", config_files="", epochs=epochs)
    config = configuration("MDAFMamba", arguments, seed=seed, **given)
    scored, _ = trained(config, build_loaders(config, create_dataset(config)), seed)
    return auc(scored.labels, scored.probabilities)


if __name__ == "__main__":
    execute(main)
