"""SS4Rec, Mamba4Rec and RecBole's SASRec on ml-100k in one run, one protocol, chosen on validation.

    python -m benchmarks.ml_100k [--epochs=2]

SASRec is trained twice: on all positions of windows, and for 2 epochs by RecBole's rows per prefix, which learn from
the same targets and show the cost of that mode; --epochs limits all.
"""

import argparse
from typing import Any

from benchmarks.command import execute
from benchmarks.machine import describe
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run

CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "SS4Rec": ("SS4Rec", {}),
    "Mamba4Rec": ("Mamba4Rec", {}),
    "SASRec, all positions": ("SASRec", {"loss_type": "CE"}),
    "SASRec, 2 epochs by rows": ("SASRec", {"loss_type": "CE", "train_mode": "prefix", "epochs": 2}),
}
PROTOCOL: dict[str, Any] = {
    "protocol": "recbole",
    "user_inter_num_interval": "[5,inf)",
    "item_inter_num_interval": "[5,inf)",
    "MAX_ITEM_LIST_LENGTH": 50,
    "metrics": ["Hit", "NDCG", "MRR"],
    "topk": [10],
    "valid_metric": "NDCG@10",
}


def main() -> None:
    """Run every model and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, help="of every model at most")
    epochs = parser.parse_args().epochs
    limit = {} if epochs is None else {"epochs": epochs}
    results = {}
    for name, (model, given) in CONTESTANTS.items():
        results[name] = run(build_config(model, "ml-100k", [], {**PROTOCOL, **given, **limit}))
    print(f"\n{describe()}\nml-100k, 5-core, protocol recbole, at most 50 events")
    print(f"{'':24}{'HR@10':>8}{'NDCG@10':>9}{'epochs':>8}{'train s':>9}{'s/epoch':>9}{'MB':>7}")
    for name, result in results.items():
        test, epochs = result["test"], result["epochs_trained"]
        print(
            f"{name:24}{test['hit@10']:8.4f}{test['ndcg@10']:9.4f}{epochs:8}{result['fit_seconds']:9.0f}"
            f"{result['fit_seconds'] / epochs:9.1f}{result['peak_memory_mb']:7}"
        )
    for name, metrics in results["SS4Rec"]["baselines"].items():
        print(f"{name:24}{metrics['hit@10']:8.4f}{metrics['ndcg@10']:9.4f}")


if __name__ == "__main__":
    execute(main)
