"""MDAFMamba and MDAFBST beside RecBole's FM, DeepFM, DCNv2 and DIN and myFM's ordered probit, on the same rows.

    python -m benchmarks.ctr --data ml-100k --protocol P1 [--models MDAFMamba,FM,myFM] [--seeds 1,2,3]

On ratings our models take properties/experiment/mdaf-ratings.yaml, or what --config_files names.
P1: rating 3 dropped, a click is a rating of 4 or more, random 8:1:1 (split seed 2020). P2: the same rows, each user's
in the order of time. P4: `recbole-data sample` of Taobao's log, whose files are the split; --data names its folder.
P5: `recbole-data sample` of ML-1M with rows per window and negatives of the same genre and popularity, as P4.
Every model is chosen on validation and tested once per seed; the interval resamples users, for the first seed. Below
each model stands how far the first one is ahead of it: mean over the seeds, and users resampled for both alike.
DIN is measured on P4 and P5, whose files hold histories: of ratings RecBole gives it other rows than the others.
With --train_on train_valid our models and myFM are trained on the validation rows too, with the settings and --epochs
that runs with validation chose; RecBole's models need that part to stop.

click_rate, item_rate, user_item_rate and match_rate among --models are the non-learned baselines, which know no seed.
BST is MDAFBST's sequential branch as it was published: a transformer over the history, read by the candidate, without
`matches`, fields and gate. RecBole's models read the data with seed 2020 and are trained with the seed in turn.
myFM needs: pip install myfm "setuptools<81"
"""

import argparse
import time
from typing import Any

import numpy as np
import torch

from benchmarks.command import execute, names, numbers, require_known
from benchmarks.machine import describe
from benchmarks.myfm_peer import myfm_scores
from recbole_ext.config.config import Config
from recbole_ext.data.loaders import Loaders
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.click_metrics import Scored, auc, auc_difference, click_metrics, intervals
from recbole_ext.evaluation.evaluator import Evaluator
from recbole_ext.pipeline.build import build_trainer
from recbole_ext.pipeline.configure import build_config
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders
from recbole_ext.tasks.clicks.baselines import CLICK_BASELINES
from recbole_ext.tasks.clicks.scorer import ClickScorer, ClickScores

OWN = ("MDAFMamba", "MDAFBST", "BST")
MODELS = ("MDAFMamba", "MDAFBST", "FM", "DeepFM", "DCNV2", "DIN", "myFM")
BST: dict[str, Any] = {"branches": ["sequential"], "target_attention": True, "cross_attention": False, "matches": False}
RATINGS: dict[str, Any] = {
    "threshold": {"rating": 4},
    "val_interval": {"rating": "[1,3);(3,5]"},
    "normalize_all": False,
}
COLUMNS: dict[str, dict[str, list[str]]] = {
    "ml-100k": {"user": ["user_id", "age", "gender", "occupation"], "item": ["item_id", "release_year", "class"]},
    "ml-1m": {"user": ["user_id", "age", "gender", "occupation"], "item": ["item_id", "release_year", "genre"]},
}
SPLITS: dict[str, dict[str, Any]] = {
    "P1": {"eval_args": {"split": {"RS": [8, 1, 1]}, "order": "RO", "group_by": "none", "mode": "labeled"}},
    "P2": {"eval_args": {"split": {"RS": [8, 1, 1]}, "order": "TO", "group_by": "user", "mode": "labeled"}},
    "P4": {},
    "P5": {},
}
SAMPLED: dict[str, dict[str, Any]] = {
    "P4": {"MAX_ITEM_LIST_LENGTH": 100, "train_batch_size": 64, "item": ["item_id", "category_id"]},
    "P5": {"MAX_ITEM_LIST_LENGTH": 200, "train_batch_size": 256, "item": COLUMNS["ml-1m"]["item"]},
}
"""Protocols whose rows have histories and labels of their own."""
LISTS = ["item_id_list", "behavior_list", "age_list"]
NEXT_IN_TIME = {"P1": "both", "P2": "past"}
PEERS: dict[str, Any] = {
    "metrics": ["AUC", "LogLoss"],
    "valid_metric": "AUC",
    "train_neg_sample_args": None,
    "stopping_step": 3,
    "epochs": 30,
}


def configuration(model: str, arguments: argparse.Namespace, **given: Any) -> Config:
    """The same rows for every model."""
    values: dict[str, Any] = {"show_progress": False, **SPLITS[arguments.protocol]}
    if arguments.protocol not in SAMPLED:
        require_known(f"--data of {arguments.protocol}", [arguments.data], list(COLUMNS))
        inter = ["user_id", "item_id", "rating", "timestamp"]
        values |= RATINGS | {"load_col": {"inter": inter, **COLUMNS[arguments.data]}}
    else:
        listed = [[], ["item_id_list"], LISTS][(model == "DIN") + 2 * (model in OWN)]
        inter = ["user_id", "item_id", "timestamp", "label", *listed]
        sampled = dict(SAMPLED[arguments.protocol])
        values |= {
            "load_col": {"inter": inter, "item": sampled.pop("item")},
            **sampled,
            "eval_args": {"order": "TO" if model == "DIN" else "RO", "group_by": None, "mode": "labeled"},
            "threshold": None,  # the samples have labels of their own
            "val_interval": None,
        }
    if arguments.data_path:
        values["data_path"] = arguments.data_path
    files = arguments.config_files.split() if model in OWN else []
    if model not in OWN:
        values |= PEERS
    elif arguments.protocol not in SAMPLED:
        values["next_in_time"] = NEXT_IN_TIME[arguments.protocol]
        files = files or ["mdaf-ratings"]
    if arguments.epochs:
        values["epochs"] = arguments.epochs
    if model == "BST":
        model, values = "MDAFBST", {**values, **BST}
    return build_config(model, arguments.data, files, {**values, **given})


def trained(config: Config, loaders: Loaders, seed: int) -> tuple[Scored, dict[str, float]]:
    """Train with a seed, and predict the test rows with the weights chosen on validation."""
    config.final_config_dict["seed"] = seed
    trainer = build_trainer(config, loaders)
    kept: dict[str, Any] = {}

    def keep(epoch: int, result: Any) -> None:
        kept["weights"] = {name: value.clone() for name, value in trainer.model.state_dict().items()}

    trainer.best.save = keep  # type: ignore[method-assign]
    started = time.perf_counter()
    trainer.fit(loaders.train, loaders.valid)
    seconds = (time.perf_counter() - started) / len(trainer.state.train_losses)
    trainer.model.load_state_dict(kept["weights"])
    valid = (trainer.state.best_valid_result or {}).get("auc", float("nan"))
    best, last = trainer.state.best_epoch, len(trainer.state.train_losses)
    return predicted(trainer, loaders.test), {
        "valid": valid,
        "epoch": last if best is None else best + 1,
        "seconds": seconds,
    }


@torch.no_grad()
def predicted(trainer: Any, loader: Any) -> Scored:
    """Probabilities of a test loader's rows."""
    scores = trainer.evaluator.evaluate(loader).scores
    if isinstance(scores, ClickScores):
        return scores.scored
    label, user, found = loader._dataset.label_field, loader._dataset.uid_field, []
    for interaction, *_ in loader:
        found.append((interaction[user], interaction[label], trainer.model.predict(interaction.to(trainer.device))))
    users, labels, scores = (torch.cat(column).cpu().double().numpy() for column in zip(*found, strict=True))
    return Scored(users.astype(np.int64), labels, scores)


def counted(name: str, arguments: argparse.Namespace, given: dict[str, Any]) -> tuple[Scored, dict[str, float]]:
    """What a non-learned baseline predicts for the test rows."""
    given = {"branches": ["static", "sequential"], "implicit_sets": "none", "seed": 2020, **given}
    config = configuration("MDAFMamba", arguments, **given)
    loaders = build_loaders(config, create_dataset(config))
    model, scorer = CLICK_BASELINES[name](loaders.train.dataset, config), ClickScorer(config)
    evaluator = Evaluator(model, scorer, config.placement)
    valid = evaluator.evaluate(loaders.valid).metrics["auc"] if loaders.valid is not None else float("nan")
    return scorer.score(model, loaders.test, lambda: None).scored, {"valid": valid, "epoch": 0, "seconds": 0.0}


def main() -> None:
    """Run the chosen models and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--data_path", default="")
    parser.add_argument("--protocol", choices=sorted(SPLITS), default="P2")
    parser.add_argument("--models", type=names, default=[], help=f"default: {', '.join(MODELS)}; fewer on ratings")
    parser.add_argument("--seeds", type=numbers, default="1,2,3")
    parser.add_argument("--epochs", type=int, default=0, help="0: as in the model's settings")
    parser.add_argument("--config_files", default="")
    parser.add_argument("--train_on", default="train", choices=("train", "train_valid"))
    arguments = parser.parse_args()
    models = arguments.models or default_models(arguments)
    for model in models:
        require(model, arguments)
    print(f"{describe()}\n{arguments.data}, {arguments.protocol}")
    print(f"{'':14}{'seed':>6}{'valid':>8}{'AUC':>8}{'GAUC':>8}{'logloss':>9}{'ECE':>8}{'epoch':>7}{'s/epoch':>9}")
    first: list[Scored] = []
    for model in models:
        found = [row(model, arguments, seed) for seed in arguments.seeds]
        aucs = [auc(scored.labels, scored.probabilities) for scored in found]
        low, high = intervals(found[0])["auc"]
        print(
            f"{model:14}  mean AUC {np.mean(aucs):.4f} +- {np.std(aucs):.4f}; users resampled {low:.4f} to {high:.4f}"
        )
        if first:
            ahead = "{:+.4f} ({:+.4f} to {:+.4f})".format(*auc_difference(first, found))
            print(f"{'':14}  {models[0]} is ahead by {ahead}", flush=True)
        first = first or found


def default_models(arguments: argparse.Namespace) -> list[str]:
    """Those that have the rows of a protocol; by `mdaf-ratings`, which reads no history, MDAFBST is MDAFMamba."""
    ratings = arguments.protocol not in SAMPLED
    same = () if arguments.config_files else ("MDAFBST",)
    return [name for name in MODELS if not ratings or name not in ("DIN", *same)]


def require(model: str, arguments: argparse.Namespace) -> None:
    """Refuse a model that cannot be measured before any other is trained.

    Raises:
        UsageError: of its name, its settings or a library that is not installed.
    """
    if model == "DIN" and arguments.protocol not in SAMPLED:
        raise UsageError(
            "DIN: RecBole splits a user's rows without the first one, so on ratings it would be tested on other rows; "
            "leave it out of --models"
        )
    if model == "myFM":
        try:
            import myfm  # noqa: F401
        except ImportError as error:
            raise UsageError(f'myFM: {error}; pip install myfm "setuptools<81", or leave it out of --models') from error
    configuration("MDAFMamba" if model in (*CLICK_BASELINES, "myFM") else model, arguments)


def row(model: str, arguments: argparse.Namespace, seed: int) -> Scored:
    """Train one model with one seed and print its line."""
    rows = {"train_on": arguments.train_on} if model in (*OWN, *CLICK_BASELINES, "myFM") else {}
    if model in CLICK_BASELINES:
        scored, facts = counted(model, arguments, rows)
    elif model == "myFM":
        config = configuration("MDAFMamba", arguments, **rows)
        loaders = build_loaders(config, create_dataset(config))
        scored, facts = myfm_scores(loaders.train.dataset, loaders.test.dataset, seed)
    else:
        config = configuration(model, arguments, seed=2020, **rows)
        torch.manual_seed(2020)
        scored, facts = trained(config, build_loaders(config, create_dataset(config)), seed)
    metrics = click_metrics(scored)
    print(
        f"{model:14}{seed:6}{facts['valid']:8.4f}{metrics['auc']:8.4f}{metrics.get('gauc', 0):8.4f}"
        f"{metrics['logloss']:9.4f}{metrics['ece']:8.4f}{facts['epoch']:7}{facts['seconds']:9.2f}", flush=True
    )  # fmt: skip
    return scored


if __name__ == "__main__":
    execute(main)
