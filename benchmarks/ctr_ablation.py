"""What each part of MDAFMamba contributes: one switched off at a time, paired by seed, with t-intervals over seeds.

    python -m benchmarks.ctr_ablation --data ml-100k --protocol P2 [--seeds 1,2,3,4,5]
    python -m benchmarks.ctr_ablation --data ml-1m-matched --data_path DIR --protocol P5 [--item_vectors FILE.npy]

On ratings everything is all three branches with the schedule of properties/experiment/mdaf-ratings.yaml, or what
--branches and --config_files name; on P4 the branch of sets has no place. A positive number is what the part adds to
the AUC; a part whose interval contains 0 has no significant effect. Parts that are off by default, `ADDED`, are added
to everything instead of taken away. The epoch of every run, and the
defaults, are chosen on validation. On P5 the encoders are compared, each with and without target attention, where a
number is what Mamba adds. With --item_vectors it is the sequential branch alone, which knows items by these vectors.
"""

import argparse
import sys
from typing import Any

import numpy as np
from scipy.stats import t

from benchmarks.command import execute, names, numbers, require_known
from benchmarks.ctr import SPLITS, configuration, trained
from benchmarks.machine import describe
from recbole_ext.errors import UsageError
from recbole_ext.evaluation.click_metrics import auc
from recbole_ext.pipeline.dataset import create_dataset
from recbole_ext.pipeline.loaders import build_loaders

WHOLE: dict[str, Any] = {
    "encoder": "mamba",
    "target_attention": True,
    "cross_attention": True,
    "matches": True,
    "tri_bce": True,
    "gate": "scalar",
}
SWITCHES: dict[str, dict[str, Any]] = {
    "Mamba": {"encoder": "none"},
    "Mamba (transformer instead)": {"encoder": "transformer"},
    "target attention": {"target_attention": False},
    "cross attention": {"cross_attention": False},
    "matches": {"matches": False},
    "implicit sets": {"implicit_sets": "none"},
    "Tri-BCE": {"tri_bce": False},
    "gate": {"gate": "none"},
}
ADDED: dict[str, dict[str, Any]] = {"feed-forward in the encoder": {"feed_forward": True}}
ENCODERS: dict[str, dict[str, Any]] = {
    f"{encoder} + {'attention' if attention else 'last state'}": {
        "encoder": encoder, "target_attention": attention, "hidden_size": 32, "learning_rate": 0.003, "epochs": 2
    }
    for attention in (True, False)
    for encoder in ("mamba", "none", "mean", "transformer")
}  # fmt: skip
"""The variants of P5; sizes and learning rate were chosen for the first one, on validation."""
BY_VECTORS: dict[str, Any] = {
    "branches": ["sequential"], "implicit_sets": "none", "item_vectors_mode": "projected", "epochs": 4
}  # fmt: skip


def parts(protocol: str, names: list[str]) -> dict[str, dict[str, Any]]:
    """The settings of each variant of these branches, the whole model first."""
    if protocol == "P5":
        return ENCODERS
    names = names or ["static", "sequential", *(["sets"] if protocol != "P4" else [])]
    whole = WHOLE | {"branches": names, **({"implicit_sets": "train"} if protocol != "P4" else {})}
    switches = SWITCHES | ({"implicit sets (before the row)": {"implicit_sets": "before"}} if protocol != "P4" else {})
    fewer = {f"branch {name}": {"branches": [other for other in names if other != name]} for name in names}
    return {"everything": whole} | {name: {**whole, **given} for name, given in (switches | fewer | ADDED).items()}


def main() -> None:
    """Run every variant with every seed and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--data_path", default="")
    parser.add_argument("--protocol", choices=sorted(SPLITS), default="P2")
    parser.add_argument("--seeds", type=numbers, default="1,2,3,4,5")
    parser.add_argument("--epochs", type=int, default=0, help="0: as in the model's settings, on P5 2 or 4")
    parser.add_argument("--parts", type=names, default="", help="names of parts, separated by commas; all by default")
    parser.add_argument(
        "--branches", type=names, default="", help="names of branches, separated by commas; all by default"
    )
    parser.add_argument("--config_files", default="")
    parser.add_argument("--item_vectors", default="", help="P5: vectors that items are known by")
    arguments = parser.parse_args()
    whole, known = None, parts(arguments.protocol, arguments.branches)
    first = [name for name in ("everything",) if name in known]
    chosen = [*first, *(name for name in arguments.parts if name not in first)] if arguments.parts else list(known)
    require_possible(arguments, chosen, known)
    seeds = arguments.seeds
    print(f"{describe()}\n{arguments.data}, {arguments.protocol}, seeds {', '.join(map(str, seeds))}")
    print(f"{'without':30}{'valid AUC':>11}{'test AUC':>10}   what the part adds (95 %): valid, test")
    for name in chosen:
        given = known[name] | (BY_VECTORS | {"item_vectors": arguments.item_vectors} if arguments.item_vectors else {})
        given = given | ({"epochs": arguments.epochs} if arguments.epochs else {})
        found = np.array([scores(arguments, seed, given) for seed in seeds])
        whole = found if whole is None or name.startswith("mamba") else whole
        valid, test = found.mean(0)
        adds = (found - whole) if name in ADDED else (whole - found)
        gap = "" if whole is found else "; ".join(interval(adds[:, k]) for k in range(2))
        print(f"{name:30}{valid:11.4f}{test:10.4f}   {gap}", flush=True)


def require_possible(arguments: argparse.Namespace, chosen: list[str], known: dict[str, Any]) -> None:
    """Refuse what cannot be measured before anything is trained.

    Raises:
        UsageError: a part is not known, or an option has no meaning under the protocol.
    """
    require_known("--parts", chosen, list(known))
    p5 = arguments.protocol == "P5"
    if p5 and arguments.branches:
        raise UsageError("--branches: P5 compares encoders, whose branches are fixed")
    if arguments.item_vectors and not p5:
        raise UsageError("--item_vectors are for P5 alone")
    if p5 and not chosen[0].startswith("mamba"):
        raise UsageError("--parts of P5 begin with one of mamba, with which the others are compared")


def scores(arguments: argparse.Namespace, seed: int, given: dict[str, Any]) -> tuple[float, float]:
    """AUC on validation and test of one run."""
    config = configuration("MDAFMamba", arguments, seed=seed, **given)
    scored, facts = trained(config, build_loaders(config, create_dataset(config)), seed)
    found = facts["valid"], auc(scored.labels, scored.probabilities)
    print(
        f"seed {seed}: valid {found[0]:.4f}, test {found[1]:.4f}, epoch {facts['epoch']}", file=sys.stderr, flush=True
    )
    return found


def interval(differences: np.ndarray) -> str:
    """Mean of paired differences (n_seeds,), and their 95 % t-interval where there are two or more."""
    if len(differences) < 2:
        return f"{differences.mean():+.4f} (one seed)"
    half = t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))
    return f"{differences.mean():+.4f} ({differences.mean() - half:+.4f} to {differences.mean() + half:+.4f})"


if __name__ == "__main__":
    execute(main)
