"""HybridVAE's variants beside its default, on ml-100k's random split: RMSE, and differences paired by seed.

    python -m benchmarks.rating_variants --architecture=sets        # the default network, a short schedule
    python -m benchmarks.rating_variants --architecture=pairwise    # the recorded network, made small, `SMALL`
    python -m benchmarks.rating_variants --architecture=pairwise --variants="skip connections,user means" --seeds=2020

A negative difference is a gain. Intervals are Student's t over the seeds, 95 %. Epochs are chosen on validation, and so
is a variant; test is evaluated once for each run. Further --key=value go into every configuration.
"""

import argparse
from typing import Any

import numpy as np

from benchmarks.command import execute, further_keys, names, numbers, require_known
from benchmarks.ctr_ablation import interval
from benchmarks.machine import describe
from benchmarks.rating import SPLITS, rmse
from recbole_ext.config.config import Config
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.ratings.loaders import rating_loaders
from recbole_ext.tasks.ratings.metrics import predict_part

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
        "kaiming_normal": {"initialization": "kaiming_normal"},
        "normal": {"initialization": "normal"},
        "xavier_uniform": {"initialization": "xavier_uniform"},
    },
}
FILES = {"sets": [], "pairwise": ["HybridVAE-pairwise"]}
SHORT: dict[str, Any] = {"epochs": 6, "learning_rate": 0.01, "table_kl_weight": 0.1}
SMALL: dict[str, Any] = {"embedding_size": 32, "pairwise_widths": [128, 64, 32], "latent_size": 16}
SMALL |= {"kl_weight": 0.000625, "learning_rate": 0.003, "epochs": 12, "stopping_step": 12}
SCHEDULE = {"sets": SHORT, "pairwise": SMALL}
"""What makes three seeds of each variant cheap; the KL weight of `SMALL` is that of 64 dimensions in nats."""


class Rows:
    """ml-100k's rows, read and split once for all runs; settings of the data are the same for every variant."""

    def __init__(self, settings: dict[str, Any], files: list[str]) -> None:
        self.settings, self.files = settings, files
        config = self.configuration({})
        self.dataset = create_dataset(config)
        self.loaders = build_loaders(config, self.dataset)

    def configuration(self, given: dict[str, Any]) -> Config:
        """That of a run."""
        return build_config("HybridVAE", "ml-100k", self.files, {**self.settings, **given})

    def scores(self, given: dict[str, Any]) -> list[float]:
        """RMSE on validation and test by the weights that validation chose."""
        config = self.configuration(given)
        loaders = rating_loaders(config, self.dataset, self.loaders.parts)
        trainer, kept = build_trainer(config, loaders), {}

        def keep(epoch: int, result: Any) -> None:
            kept.update({name: value.clone() for name, value in trainer.model.state_dict().items()})

        trainer.best.save = keep  # type: ignore[method-assign]
        trainer.fit(loaders.train, loaders.valid)
        trainer.model.load_state_dict(kept)
        found = (predict_part(trainer.model, loader, trainer.device) for loader in (loaders.valid, loaders.test))
        return [rmse(of.truth, of.clipped) for of in found]


def main() -> None:
    """Train each variant with each seed and print the differences to the first one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="sets", choices=tuple(VARIANTS))
    parser.add_argument("--variants", type=names, default="", help="names, separated by commas; all by default")
    parser.add_argument("--seeds", type=numbers, default="2020,2021,2022")
    arguments, more = parser.parse_known_args()
    given = further_keys(more)
    known, seeds = VARIANTS[arguments.architecture], arguments.seeds
    require_known("--variants", arguments.variants, list(known))
    chosen = list(dict.fromkeys(["as it is", *arguments.variants])) if arguments.variants else list(known)
    shown = ", ".join(map(str, seeds))
    print(f"{describe()}\nml-100k, random, {arguments.architecture}, seeds {shown}", flush=True)
    settings = {"eval_args": SPLITS["random"], "show_progress": False, "train_sample": 0, **given}
    rows = Rows({**SCHEDULE[arguments.architecture], **settings}, FILES[arguments.architecture])
    first: np.ndarray | None = None
    for name in chosen:
        found = np.array([rows.scores({**known[name], "seed": seed}) for seed in seeds])
        first = found if first is None else first
        spread = ", ".join(f"{value:.4f}" for value in found.std(0, ddof=1)) if len(seeds) > 1 else "-"
        valid, test = found.mean(0)
        against = "" if first is found else "; ".join(interval(found[:, k] - first[:, k]) for k in range(2))
        print(f"{name:28}{valid:8.4f}{test:8.4f}  deviation {spread}  {against}", flush=True)


if __name__ == "__main__":
    execute(main)
