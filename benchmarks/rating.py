"""Rating prediction beside myFM, Surprise and LensKit on the same rows: RMSE, seconds, and what each part brings.

    pip install myfm scikit-surprise lenskit "pyarrow<26" "setuptools<81"   # peers that fail to import are named
    python -m benchmarks.rating                                     # ml-100k, random 80/10/10, 3 seeds
    python -m benchmarks.rating --split=user_time                   # each user's last 10 %
    python -m benchmarks.rating --split=u1                          # the published u1.base and u1.test
    python -m benchmarks.rating --dataset=ml-1m --data_path=dataset --split=random_90 --seeds=2020
    python -m benchmarks.rating --peers=                            # HybridVAE alone
    python -m benchmarks.rating --split=user_time --time_context=past --train_on=train_valid   # what validation chose
    python -m benchmarks.rating --ablation --seeds=2020,2021        # one part out or in at a time, a short schedule

The weights of every model are chosen on validation; test is evaluated once. Peers are trained on the same training
rows with the settings written below; with `--train_on=train_valid` there is no validation split. `blend` is the mean of
HybridVAE's seeds and the best peer with one weight, chosen on validation; without that split --peer_weight is what a
run with it chose. Further --key=value go into HybridVAE's configuration as they are; `--ablation` has a shorter
schedule, `SHORT`.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import execute, further_keys, names, numbers, require_known
from benchmarks.machine import describe
from benchmarks.rating_peers import PEERS, Table
from benchmarks.u1 import NAME, write_u1
from recbole_ext.comparison.blending import blended, convex_weights
from recbole_ext.errors import UsageError
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.runs.run_directory import RunDirectory
from recbole_ext.tasks.ratings.metrics import errors, predict_part
from recbole_ext.training.session import Session

SPLITS: dict[str, dict[str, Any]] = {
    "random": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "group_by": "none"},
    "random_90": {"split": {"RS": [0.88, 0.02, 0.1]}, "order": "RO", "group_by": "none"},
    "user_time": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "user"},
    "u1": {"order": "RO", "group_by": "none"},
    "global_time": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "none"},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "HybridVAE": {},
    "no leave-one-out": {"leave_one_out": False},
    "point estimates, no variances": {"variational": False},
    "squared errors": {"loss": "mse"},
    "no side information": {"side_features": []},
    "no days": {"time_features": False},
    "no ratings next in time": {"time_context": "none"},
    "no latent z": {"latent_size": 0},
    "no average of weights": {"averaging": "none"},
    "and attention of 2 heads": {"attention_heads": 2},
    "and towers": {"tower_widths": [64, 32]},
}
SHORT = {"epochs": 12, "learning_rate": 0.01, "table_kl_weight": 0.1}


def fit(settings: dict[str, Any], dataset: str) -> dict[str, Any]:
    """Train HybridVAE once.

    Returns:
        `valid` (if there is one) and `test` predictions, clipped, their truth, the loaders, `seconds`, `epochs`.
    """
    config = build_config("HybridVAE", dataset, [], settings)
    started = time.perf_counter()
    loaders = build_loaders(config, create_dataset(config))
    directory = RunDirectory.new(Path(config["runs_dir"]), config.model, dataset)
    trainer = build_trainer(config, loaders, Session(directory))
    trainer.fit(loaders.train, loaders.valid)
    seconds = time.perf_counter() - started
    trainer.load_best()
    parts = {part: getattr(loaders, part) for part in ("valid", "test") if getattr(loaders, part)}
    found = {part: predict_part(trainer.model, loader, trainer.device) for part, loader in parts.items()}
    directory.release()
    return {
        **{part: of.clipped for part, of in found.items()},
        "truth": {part: of.truth for part, of in found.items()},
        "loaders": loaders,
        "seconds": seconds,
        "epochs": len(trainer.state.train_losses),
    }


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """RMSE in stars."""
    return errors(truth, predicted)["rmse"]


def row(name: str, scores: list[float], seconds: float, note: str = "") -> None:
    """One line of the table; `scores` are those of validation, if there is one, and of test."""
    cells = "".join(f"{score:9.4f}" for score in scores)
    print(f"{name:34}{cells:>18}{seconds:9.0f}  {note}", flush=True)


def score(truth: dict[str, np.ndarray], predicted: dict[str, np.ndarray]) -> list[float]:
    """RMSE of each part."""
    return [rmse(truth[part], predicted[part]) for part in truth]


def contest(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """HybridVAE over seeds, its ensemble, the peers, and the blend."""
    runs = []
    for seed in arguments.seeds:
        runs.append(fit({**settings, "seed": seed}, arguments.dataset))
        of, truth = runs[-1], runs[0]["truth"]
        row(f"HybridVAE, seed {seed}", score(truth, of), of["seconds"], f"{of['epochs']} epochs")
    columns = zip(*(score(truth, of) for of in runs), strict=True)
    seconds = sum(of["seconds"] for of in runs)
    row("HybridVAE, mean of seeds", [statistics.mean(column) for column in columns], seconds / len(runs))
    equal = np.full(len(runs), 1 / len(runs))
    ensemble = {p: blended(np.stack([of[p] for of in runs]), equal, probabilities=False) for p in truth}
    row(f"HybridVAE, ensemble of {len(runs)}", score(truth, ensemble), seconds)
    parts = {"train": runs[0]["loaders"].train, **{part: getattr(runs[0]["loaders"], part) for part in truth}}
    tables = {part: Table.read(loader._dataset) for part, loader in parts.items()}
    best: tuple[float, str, dict[str, np.ndarray], float] | None = None
    for name in arguments.peers:
        started = time.perf_counter()
        try:
            found = PEERS[name](tables)
        except ImportError as error:
            print(f"{name:34}is not installed ({error.name})", flush=True)
            continue
        scores, spent = score(truth, found), time.perf_counter() - started
        row(name, scores, spent)
        best = min(filter(None, (best, (scores[0], name, found, spent))), key=lambda b: b[0])
    if best and ("valid" in truth or arguments.peer_weight):
        both = {p: np.stack([ensemble[p], best[2][p]]) for p in truth}
        known = np.array([1 - arguments.peer_weight, arguments.peer_weight])
        weights = convex_weights(both["valid"], truth["valid"]) if "valid" in truth else known
        blend = {p: blended(both[p], weights, probabilities=False) for p in truth}
        note = f"{weights[0]:.2f} HybridVAE, {weights[1]:.2f} {best[1]}"
        row("blend", score(truth, blend), seconds + best[3], note)


def ablation(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """One row per part that is left out or added: means over the seeds, and their standard deviation."""
    for name, changed in ABLATIONS.items():
        runs = [fit({**SHORT, **settings, **changed, "seed": seed}, arguments.dataset) for seed in arguments.seeds]
        columns = list(zip(*(score(of["truth"], of) for of in runs), strict=True))
        spread = ", ".join(f"{statistics.stdev(column):.4f}" for column in columns) if len(runs) > 1 else "-"
        seconds = sum(of["seconds"] for of in runs) / len(runs)
        row(name, [statistics.mean(column) for column in columns], seconds, f"deviation {spread}")


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="ml-100k")
    parser.add_argument("--split", default="random", choices=tuple(SPLITS))
    parser.add_argument("--seeds", type=numbers, default="2020,2021,2022")
    parser.add_argument("--peers", type=names, default=",".join(PEERS))
    parser.add_argument("--peer_weight", type=float, default=0.0, help="in the blend, without validation")
    parser.add_argument("--ablation", action="store_true")
    arguments, more = parser.parse_known_args()
    given = further_keys(more)
    settings = {"eval_args": SPLITS[arguments.split], "show_progress": False, **given}
    require_known("--peers", arguments.peers, list(PEERS))
    if arguments.peer_weight and settings.get("train_on") == "train_valid" and len(arguments.peers) != 1:
        raise UsageError(
            "--peer_weight without a validation split needs one peer: which one is best would be chosen on test"
        )
    print(f"{describe()}\n{arguments.dataset}, {arguments.split}: {SPLITS[arguments.split]}")
    print(f"{'RMSE':34}{'valid':>9}{'test':>9}{'s':>9}", flush=True)
    run: Callable[..., None] = ablation if arguments.ablation else contest
    with tempfile.TemporaryDirectory() as folder:
        if arguments.split == "u1":
            write_u1(Path(folder))
            arguments.dataset = NAME
            settings |= {"data_path": folder, "benchmark_filename": ["train", "valid", "test"]}
        run(arguments, settings)


if __name__ == "__main__":
    execute(main)
