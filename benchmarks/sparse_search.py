"""Settings of SS4Rec for sparse data with short histories, each trial a line, judged by validation alone.

    python -m benchmarks.sparse_data --output dataset --users 1500 --items 800 --rows 13300 --name made-small
    python -m benchmarks.sparse_search --data_path=dataset --datasets=made-small --epochs=12 --train_batch_size=256

At most 50 events, leave-one-out, all items ranked, one seed. Further --key=value go into the configuration.
"""

import argparse
import time
from typing import Any

from benchmarks.command import execute, further_keys, names
from benchmarks.machine import describe
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.pipeline.train import build_trainer

POST_NORM: dict[str, Any] = {"block": "post_norm", "ffn_multiplier": 0.0}
TRIALS: dict[str, dict[str, Any]] = {
    "post-norm, no history term": {**POST_NORM, "history_term": "none"},
    "post-norm": POST_NORM,
    "pre-norm, the default": {},
    "pre-norm, dropout .3": {"dropout_prob": 0.3},
    "pre-norm, dropout .5": {"dropout_prob": 0.5},
    "pre-norm, one layer": {"num_layers": 1},
    "pre-norm, width 128": {"hidden_size": 128},
    "pre-norm, embedding_l2 .1": {"embedding_l2": 0.1},
    "pre-norm, label smoothing .1": {"label_smoothing": 0.1},
    "pre-norm, sampled softmax": {"loss_type": "sampled_softmax", "n_negatives": 256},
    "pre-norm, gBCE": {"loss_type": "gBCE", "n_negatives": 256},
}
FIXED: dict[str, Any] = {
    "MAX_ITEM_LIST_LENGTH": 50,
    "metrics": ["Hit", "NDCG"],
    "topk": [10],
    "valid_metric": "NDCG@10",
    "eval_step": 3,
    "show_progress": False,
}


def trial(dataset: str, settings: dict[str, Any]) -> tuple[dict[str, float], float]:
    """The best validation of a training, and its processor seconds."""
    config = build_config("SS4Rec", dataset, [], settings)
    loaders = build_loaders(config, create_dataset(config))
    trainer, started = build_trainer(config, loaders), time.process_time()
    _, best = trainer.fit(loaders.train, loaders.valid)
    return best, time.process_time() - started


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_path", required=True)
    parser.add_argument("--datasets", type=names, required=True)
    arguments, more = parser.parse_known_args()
    settings = {**FIXED, "data_path": arguments.data_path, **further_keys(more)}
    print(describe())
    for dataset in arguments.datasets:
        for name, changed in TRIALS.items():
            best, seconds = trial(dataset, {**settings, **changed})
            print(f"{dataset:16}{name:32}{best['hit@10']:8.4f}{best['ndcg@10']:8.4f}{seconds:8.1f} s", flush=True)


if __name__ == "__main__":
    execute(main)
