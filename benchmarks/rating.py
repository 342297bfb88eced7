"""Rating prediction beside myFM, Surprise and LensKit on the same rows: RMSE, seconds, and what each part brings.

    pip install myfm scikit-surprise lenskit "pyarrow<26" "setuptools<81"   # peers that fail to import are named
    python -m benchmarks.rating                                     # ml-100k, random 80/10/10, 3 seeds
    python -m benchmarks.rating --split=user_time                   # each user's last 10 %
    python -m benchmarks.rating --dataset=ml-1m --data_path=dataset --split=random_90 --seeds=2020
    python -m benchmarks.rating --peers=                            # HybridVAE alone
    python -m benchmarks.rating --ablation                          # HybridVAE without one part at a time, one seed

The weights of every model are chosen on validation; test is evaluated once. Peers are trained on the same training
rows with the settings written below. `blend` is the mean of HybridVAE's seeds and the best peer with one weight, chosen
on validation. Further --key=value go into HybridVAE's configuration as they are.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import describe
from benchmarks.rating_peers import PEERS, Table
from recbole_ext.config.config import build_config
from recbole_ext.config.yaml_reader import parse_scalar
from recbole_ext.data.dataset import create_dataset
from recbole_ext.data.loaders import build_loaders
from recbole_ext.evaluation.ratings import errors, predict_part
from recbole_ext.quick_start import build_trainer
from recbole_ext.training.progress import Progress
from recbole_ext.training.run_directory import RunDirectory

SPLITS: dict[str, dict[str, Any]] = {
    "random": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "group_by": "none"},
    "random_90": {"split": {"RS": [0.88, 0.02, 0.1]}, "order": "RO", "group_by": "none"},
    "user_time": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "user"},
    "global_time": {"split": {"RS": [0.8, 0.1, 0.1]}, "order": "TO", "group_by": "none"},
}
ABLATIONS: dict[str, dict[str, Any]] = {
    "HybridVAE": {},
    "no leave-one-out": {"leave_one_out": False},
    "points, no variances": {"variational": False},
    "squared errors": {"loss": "mse"},
    "no side information": {"side_features": []},
    "no days": {"time_features": False},
    "no ratings next in time": {"time_context": "none"},
    "no latent z": {"latent_size": 0},
    "no average of weights": {"averaging": "none"},
}


def fit(settings: dict[str, Any], dataset: str) -> dict[str, Any]:
    """Train HybridVAE once.

    Returns:
        `valid` and `test` predictions, clipped, their truth, the loaders, `seconds`, `epochs`.
    """
    config = build_config("HybridVAE", dataset, [], settings)
    started = time.perf_counter()
    loaders = build_loaders(config, create_dataset(config))
    trainer = build_trainer(config, loaders)
    directory = RunDirectory.new(Path(config["runs_dir"]), config.model, dataset)
    trainer.attach(directory, Progress(0, enabled=False))
    trainer.fit(loaders.train, loaders.valid)
    seconds = time.perf_counter() - started
    trainer.load_best()
    found = {part: predict_part(trainer.model, getattr(loaders, part), trainer.device) for part in ("valid", "test")}
    directory.release()
    return {
        **{part: of.clipped for part, of in found.items()},
        "truth": {part: of.truth for part, of in found.items()},
        "loaders": loaders,
        "seconds": seconds,
        "epochs": len(trainer.train_loss_dict),
    }


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """RMSE in stars."""
    return errors(truth, predicted)["rmse"]


def best_weight(truth: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """The share of `first`, in steps of 0.05, that makes the smallest RMSE."""
    shares = np.linspace(0, 1, 21)
    return float(shares[int(np.argmin([rmse(truth, w * first + (1 - w) * second) for w in shares]))])


def row(name: str, valid: float, test: float, seconds: float, note: str = "") -> None:
    """One line of the table."""
    print(f"{name:34}{valid:9.4f}{test:9.4f}{seconds:9.0f}  {note}", flush=True)


def contest(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """HybridVAE over seeds, its ensemble, the peers, and the blend."""
    runs = []
    for seed in arguments.seeds.split(","):
        runs.append(fit({**settings, "seed": int(seed)}, arguments.dataset))
        of, truth = runs[-1], runs[0]["truth"]
        row(f"HybridVAE, seed {seed}", *(rmse(truth[p], of[p]) for p in truth), of["seconds"], f"{of['epochs']} epochs")
    singles = [[rmse(truth[p], of[p]) for p in truth] for of in runs]
    seconds = sum(of["seconds"] for of in runs)
    row(
        "HybridVAE, mean of seeds",
        *(statistics.mean(column) for column in zip(*singles, strict=True)),
        seconds / len(runs),
    )
    ensemble = {p: np.mean([of[p] for of in runs], axis=0) for p in truth}
    row(f"HybridVAE, ensemble of {len(runs)}", *(rmse(truth[p], ensemble[p]) for p in truth), seconds)
    tables = {p: Table.read(getattr(runs[0]["loaders"], p)._dataset) for p in ("train", "valid", "test")}
    best: tuple[float, str, dict[str, np.ndarray], float] | None = None
    for name in [n for n in arguments.peers.split(",") if n]:
        started = time.perf_counter()
        try:
            found = PEERS[name](tables)
        except ImportError as error:
            print(f"{name:34}is not installed ({error.name})", flush=True)
            continue
        score = rmse(truth["valid"], found["valid"])
        row(name, score, rmse(truth["test"], found["test"]), time.perf_counter() - started)
        best = min(filter(None, (best, (score, name, found, time.perf_counter() - started))), key=lambda b: b[0])
    if best:
        share = best_weight(truth["valid"], ensemble["valid"], best[2]["valid"])
        blend = {p: share * ensemble[p] + (1 - share) * best[2][p] for p in truth}
        note = f"{share:.2f} HybridVAE, {1 - share:.2f} {best[1]}"
        row("blend", *(rmse(truth[p], blend[p]) for p in truth), seconds + best[3], note)


def ablation(arguments: argparse.Namespace, settings: dict[str, Any]) -> None:
    """One row per part that is left out."""
    for name, without in ABLATIONS.items():
        of = fit({**settings, **without}, arguments.dataset)
        row(name, *(rmse(of["truth"][p], of[p]) for p in of["truth"]), of["seconds"], f"{of['epochs']} epochs")


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="ml-100k")
    parser.add_argument("--split", default="random", choices=tuple(SPLITS))
    parser.add_argument("--seeds", default="2020,2021,2022")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--ablation", action="store_true")
    arguments, more = parser.parse_known_args()
    given = {k: parse_scalar(v, k) for k, v in (item.removeprefix("--").split("=", 1) for item in more)}
    settings = {"eval_args": SPLITS[arguments.split], "show_progress": False, **given}
    if settings.get("torch_threads"):
        torch.set_num_threads(settings["torch_threads"])
    print(f"{describe()}\n{arguments.dataset}, {arguments.split}: {SPLITS[arguments.split]}")
    print(f"{'RMSE':34}{'valid':>9}{'test':>9}{'s':>9}", flush=True)
    run: Callable[..., None] = ablation if arguments.ablation else contest
    run(arguments, settings)


if __name__ == "__main__":
    main()
