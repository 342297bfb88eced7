"""Ranking models on the same rows with the same budget of tuning, compared over users and seeds.

    python -m benchmarks.rivals --dataset=ml-100k --protocol=recbole
    python -m benchmarks.rivals --dataset=taobao --data_path=dataset --protocol=recbole --history=recency
    python -m benchmarks.rivals --models=SS4Rec,SASRec --seeds=2020 --hours=0.1 --rates=0.001 --dropouts=0.1,0.3

Every model is trained with the first seed once for each combination of --rates and --dropouts (four); validation
NDCG@10 chooses one, which is then trained with the other seeds. All have the same number of epochs, the same
patience, schedule of the learning rate and batches (`train_batch_size: auto`), and each training may take --hours at
most, validations included. A best epoch that is the last one says that the model was not trained to its end. All learn
from all positions of a window, of 200 events in SS4Rec and Mamba4Rec and of 50 in the others. `MODEL+` is a model with
our history term (--history), which is SS4Rec's default. Further --key=value go into every configuration.
"""

import argparse
import itertools
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.command import decimals, execute, further_keys, names, numbers
from benchmarks.machine import describe
from recbole_ext.comparison.compare import compare
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.train import run

DROPOUT_KEYS = {"SASRec": ("hidden_dropout_prob", "attn_dropout_prob"), "SASRecCPR": ("hidden_dropout_prob",)}
MODELS = "SS4Rec+,Mamba4Rec+,SASRec+,GRU4Rec+,Mamba4Rec,SASRec,GRU4Rec,GRU4RecCPR,SASRecCPR,RepeatNet"
Grid = list[tuple[float, float]]
"""Learning rates and dropouts of the trials."""
METRICS = ("hit@10", "ndcg@10")
SHARED: dict[str, Any] = {
    "user_inter_num_interval": "[5,inf)",
    "item_inter_num_interval": "[5,inf)",
    "cold_items": False,
    "metrics": ["Hit", "NDCG", "MRR"],
    "topk": [10],
    "valid_metric": "NDCG@10",
    "train_batch_size": "auto",
    "epochs": 30,
    "stopping_step": 5,
    "lr_schedule": "cosine",
    "warmup_share": 0.03,
    "final_lr_share": 0.02,
    "show_progress": False,
}


@dataclass(frozen=True)
class Rival:
    """One model after its tuning.

    Attributes:
        name: as given.
        chosen: its learning rate and dropout.
        results: of each seed.
        seconds: of one training, on average, the four trials included.
    """

    name: str
    chosen: dict[str, float]
    results: list[dict[str, Any]]
    seconds: float


def settings_of(name: str, rate: float, dropout: float, history: str) -> dict[str, Any]:
    """Keys of one trial."""
    model = name.removesuffix("+")
    keys = dict.fromkeys(DROPOUT_KEYS.get(model, ("dropout_prob",)), dropout)
    return {"learning_rate": rate, **keys, "history_term": history if name.endswith("+") else "none"}


def tuned(name: str, dataset: str, settings: dict[str, Any], grid: Grid, seeds: list[int], history: str) -> Rival:
    """Choose one trial of the grid by validation, and train it with the other seeds."""
    model, started = name.removesuffix("+"), time.perf_counter()
    trials = []
    for rate, dropout in grid:
        keys = settings_of(name, rate, dropout, history)
        trials.append((trained(model, dataset, {**settings, **keys, "seed": seeds[0]}), keys))
        valid = trials[-1][0]["valid"]
        print(f"  {name:12}{rate:7}{dropout:5}  {valid['hit@10']:.4f} / {valid['ndcg@10']:.4f}", flush=True)
    first, keys = max(trials, key=lambda trial: trial[0]["valid"]["ndcg@10"])
    others = [trained(model, dataset, {**settings, **keys, "seed": seed}) for seed in seeds[1:]]
    seconds = (time.perf_counter() - started) / (len(trials) + len(others))
    return Rival(name, keys, [first, *others], seconds)


def trained(model: str, dataset: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The result of one run."""
    return run(build_config(model, dataset, [], settings))


def line(rival: Rival) -> str:
    """Means over the seeds."""
    cells = [statistics.mean(of[part][m] for of in rival.results) for part in ("valid", "test") for m in METRICS]
    keys = ", ".join(f"{key} {value}" for key, value in rival.chosen.items() if key != "history_term")
    best = ", ".join(str(of["best_epoch"]) for of in rival.results)
    return f"{rival.name:12}" + "".join(f"{cell:9.4f}" for cell in cells) + f"{rival.seconds:8.0f}  {keys}; {best}"


def main() -> None:
    """Tune, train, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="ml-100k")
    parser.add_argument("--models", type=names, default=MODELS)
    parser.add_argument("--seeds", type=numbers, default="2020,2021,2022")
    parser.add_argument("--history", default="seen", help="history_term of the models with +")
    parser.add_argument("--hours", type=float, default=0.0, help="of one training at most; 0: no limit")
    parser.add_argument("--rates", type=decimals, default="0.001,0.003", help="learning rates of the trials")
    parser.add_argument("--dropouts", type=decimals, default="0.1,0.3", help="of the trials")
    arguments, more = parser.parse_known_args()
    given = further_keys(more)
    settings = {**SHARED, **({"budget_hours": arguments.hours} if arguments.hours else {}), **given}
    grid = list(itertools.product(arguments.rates, arguments.dropouts))
    for name in arguments.models:  # wrong names and keys before any training
        own = settings_of(name, *grid[0], arguments.history)
        build_config(name.removesuffix("+"), arguments.dataset, [], {**settings, **own})
    print(f"{describe()}\n{arguments.dataset}: {settings}")
    rivals = [
        tuned(name, arguments.dataset, settings, grid, arguments.seeds, arguments.history) for name in arguments.models
    ]
    print(f"{'':12}{'valid HR':>9}{'NDCG':>9}{'test HR':>9}{'NDCG':>9}{'s':>8}  of one training; chosen; best epochs")
    for rival in rivals:
        print(line(rival))
    entries = [",".join(str(Path(of["run_directory"])) for of in rival.results) for rival in rivals]
    print(compare(entries, list(METRICS)))


if __name__ == "__main__":
    execute(main)
