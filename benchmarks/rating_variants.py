"""HybridVAE's variants beside its default, on ml-100k's random split: RMSE, and differences paired by seed.

    python -m benchmarks.rating_variants --architecture=sets        # the default network, a short schedule
    python -m benchmarks.rating_variants --architecture=pairwise    # the recorded network, made small, `SMALL`
    python -m benchmarks.rating_variants --architecture=pairwise --variants="skip connections,user means" --seeds=2020

A negative difference is a gain. Intervals are Student's t over the seeds, 95 %. Epochs are chosen on validation, and so
is a variant; test is evaluated once for each run. Further --key=value go into every configuration.
"""

import argparse
import tempfile
from typing import Any

import numpy as np

from benchmarks.ctr_ablation import interval
from benchmarks.machine import describe
from benchmarks.rating import SHORT, SPLITS, fit, score
from recbole_ext.config.yaml_reader import parse_scalar

OF_BOTH: dict[str, dict[str, Any]] = {
    "as it is": {},
    "two levels of z": {"latent_levels": 2},
    "Huber errors": {"loss": "huber"},
    "absolute errors": {"loss": "mae"},
}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "sets": {
        **OF_BOTH,
        "squared errors": {"loss": "mse"},
        "dropout of .1 on vectors": {"embedding_dropout_prob": 0.1},
        "dropout of .3 on vectors": {"embedding_dropout_prob": 0.3},
    },
    "pairwise": {
        **OF_BOTH,
        "user means": {"rating_normalization": "user"},
        "user and item means": {"rating_normalization": "user_item"},
        "skip connections": {"skip_connections": True},
        "mixup .2": {"mixup_alpha": 0.2},
        "no dropout on vectors": {"embedding_dropout_prob": 0.0},
        "dropout of .5 on vectors": {"embedding_dropout_prob": 0.5},
        "xavier_uniform": {"initialization": "xavier_uniform"},
        "kaiming_normal": {"initialization": "kaiming_normal"},
        "normal": {"initialization": "normal"},
    },
}
FILES = {"sets": [], "pairwise": ["HybridVAE-pairwise"]}
SMALL = {"embedding_size": 32, "pairwise_widths": [128, 64, 32], "latent_size": 16, "kl_weight": 0.000625}
SMALL |= {"learning_rate": 0.003, "epochs": 20, "stopping_step": 20}
SCHEDULE: dict[str, dict[str, Any]] = {"sets": SHORT, "pairwise": SMALL}


def scores(architecture: str, settings: dict[str, Any], seeds: list[int]) -> np.ndarray:
    """(n_seeds, 2) RMSE on validation and test, and the seconds of each run printed."""
    found = []
    for seed in seeds:
        run = fit({**SCHEDULE[architecture], **settings, "seed": seed}, "ml-100k", FILES[architecture])
        found.append(score(run["truth"], run))
        print(f"  seed {seed}: {found[-1][0]:.4f} {found[-1][1]:.4f}, {run['epochs']} epochs, {run['seconds']:.0f} s")
    return np.array(found)


def main() -> None:
    """Train each variant with each seed and print the differences to the first one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="sets", choices=tuple(VARIANTS))
    parser.add_argument("--variants", default="", help="names, separated by commas; all by default")
    parser.add_argument("--seeds", default="2020,2021,2022")
    arguments, more = parser.parse_known_args()
    given = {k: parse_scalar(v, k) for k, v in (item.removeprefix("--").split("=", 1) for item in more)}
    known, seeds = VARIANTS[arguments.architecture], [int(seed) for seed in arguments.seeds.split(",")]
    names = (
        ["as it is", *(name for name in arguments.variants.split(",") if name)] if arguments.variants else list(known)
    )
    print(f"{describe()}\nml-100k, random, {arguments.architecture}, seeds {arguments.seeds}", flush=True)
    with tempfile.TemporaryDirectory() as runs:
        settings = {"eval_args": SPLITS["random"], "show_progress": False, "runs_dir": runs, **given}
        first: np.ndarray | None = None
        for name in names:
            found = scores(arguments.architecture, {**settings, **known[name]}, seeds)
            first = found if first is None else first
            spread = ", ".join(f"{value:.4f}" for value in found.std(0, ddof=1)) if len(seeds) > 1 else "-"
            valid, test = found.mean(0)
            against = "" if first is found else "; ".join(interval(found[:, k] - first[:, k]) for k in range(2))
            print(f"{name:28}{valid:8.4f}{test:8.4f}  deviation {spread}  {against}", flush=True)


if __name__ == "__main__":
    main()
