"""Full training on ML-1M, several seeds, each protocol separately, with the non-learned baselines beside it.

    python -m dataset_tools convert ml-1m --download --output dataset --order file    # as RecBole's file
    python -m benchmarks.accuracy --data_path=dataset                  # protocols recbole and time_aware, 3 seeds
    python -m benchmarks.accuracy --data_path=dataset --protocols=no_time --models=SS4Rec,SASRec --seeds=1

5-core, at most 200 events, leave-one-out, all items ranked; the epoch is chosen by validation NDCG@10 and test
is evaluated once. `level` is the wall time, validation included, until validation reaches HR@10 .2952 and
NDCG@10 .1662, what SASRec is reported to reach on test under RecBole's protocol; - where it never does.
`--first_users=2999` adds a line of test metrics of the users up to that id alone: those whose times are the
official ones, where the others' are reconstructed.
Further --key=value go into the configuration as they are.
"""

import argparse
import statistics
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.command import execute, further_keys, names, numbers
from benchmarks.machine import describe
from recbole_ext.evaluation.units import read_units
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run
from recbole_ext.runs.run_files import read_metrics

LEVEL = {"hit@10": 0.2952, "ndcg@10": 0.1662}
METRICS = ("hit@10", "ndcg@10", "mrr@10")
SETTINGS: dict[str, Any] = {
    "MAX_ITEM_LIST_LENGTH": 200,
    "user_inter_num_interval": "[5,inf)",
    "item_inter_num_interval": "[5,inf)",
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "metrics": ["Hit", "NDCG", "MRR"],
    "topk": [10],
    "valid_metric": "NDCG@10",
}


def seconds_to_level(run_directory: Path) -> float | None:
    """Wall seconds of training and validation until both metrics reach the level; None if they never do."""
    total = 0.0
    for row in read_metrics(run_directory):
        total += float(row["train_seconds"]) + float(row["valid_seconds"] or 0)
        if row["hit@10"] and all(float(row[name]) >= value for name, value in LEVEL.items()):
            return total
    return None


def report(name: str, results: list[dict[str, Any]]) -> None:
    """One line per seed, then mean and standard deviation."""
    for result in results:
        reached = seconds_to_level(Path(result["run_directory"]))
        shown = [*(result["valid"][m] for m in METRICS[:2]), *(result["test"][m] for m in METRICS)]
        print(
            f"{name:12}{result['protocol']['seed']:>6}" + "".join(f"{value:>9.4f}" for value in shown),
            f"{result['best_epoch']:>7}{result['fit_seconds']:>9.0f}{f'{reached:.0f}' if reached else '-':>9}",
            flush=True,
        )
    if len(results) > 1:
        for label, measure in (("mean", statistics.mean), ("std", statistics.stdev)):
            parts = [("valid", m) for m in METRICS[:2]] + [("test", m) for m in METRICS]
            print(f"{name:12}{label:>6}" + "".join(f"{measure(r[p][m] for r in results):>9.4f}" for p, m in parts))


def baselines(result: dict[str, Any]) -> None:
    """The non-learned baselines of the same run."""
    for name, values in result["baselines"].items():
        print(f"{name:36}" + "".join(f"{values[m]:>9.4f}" for m in METRICS))


def report_first_users(results: list[dict[str, Any]], last_user: int) -> None:
    """Test metrics of the users 1 to `last_user`, of each seed, and of the baselines of the last one."""
    for result in results:
        for name, units in read_units(Path(result["run_directory"])).items():
            if name != result["model"] and result is not results[-1]:
                continue
            chosen = units.tested.users.astype(int) <= last_user
            values = [units.totals[m][chosen].sum() / units.weights[m][chosen].sum() for m in METRICS]
            shown = f"{result['model']}, seed {result['protocol']['seed']}" if name == result["model"] else name
            print(f"{f'{shown}, {chosen.sum()} users':36}" + "".join(f"{value:>9.4f}" for value in values))


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_path", required=True)
    parser.add_argument("--dataset", default="ml-1m")
    parser.add_argument("--models", type=names, default="SS4Rec")
    parser.add_argument("--protocols", type=names, default="recbole,time_aware")
    parser.add_argument("--seeds", type=numbers, default="2020,2021,2022")
    parser.add_argument("--first_users", type=int, default=0)
    arguments, more = parser.parse_known_args()
    settings = {**SETTINGS, "data_path": arguments.data_path, **further_keys(more)}
    for model, protocol in product(arguments.models, arguments.protocols):  # wrong names and keys before any training
        build_config(model, arguments.dataset, [], {**settings, "protocol": protocol})
    print(describe())
    for protocol in arguments.protocols:
        print(f"\n{arguments.dataset}, protocol {protocol}{'':9}valid{'':16}test")
        heads = ("HR@10", "NDCG@10", "HR@10", "NDCG@10", "MRR@10")
        print(f"{'':12}{'seed':>6}" + "".join(f"{h:>9}" for h in heads) + f"{'epoch':>8}{'train s':>9}{'level s':>9}")
        results: list[dict[str, Any]] = []
        for model in arguments.models:
            results = []
            for seed in arguments.seeds:
                values = {**settings, "protocol": protocol, "seed": seed}
                results.append(run(build_config(model, arguments.dataset, [], values)))
            report(model, results)
            if arguments.first_users:
                report_first_users(results, arguments.first_users)
        baselines(results[-1])


if __name__ == "__main__":
    execute(main)
