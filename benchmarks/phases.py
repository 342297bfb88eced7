"""The phases of properties/experiment, each with its five seeds, judged by the criteria that they define.

    python -m benchmarks.phases --data ml-1m [--data_path dataset] [--protocol P2] [--seeds 42] [--phases 1,3-revised]
    python -m benchmarks.phases --data taobao-uniform --protocol P4

One command trains every phase with every seed for its epochs and prints means, deviations and which criteria hold;
every warning of a run, a slow epoch above all, is counted and reported. P2 takes mdaf-ml-1m-phase-*, P4 mdaf-phase-*
with batches of 64, since the sample of Taobao's log has 743 training examples.
"""

import argparse
import logging

import numpy as np

from benchmarks.command import execute, names, numbers, require_known
from benchmarks.ctr import configuration
from benchmarks.machine import describe
from recbole_ext.evaluation.criteria import PASS
from recbole_ext.pipeline.train import run

PHASES = ("1", "3-revised", "3")
COLUMNS = ("auc", "train_auc", "train_valid_gap", "gate_static_mean", "gate_static_std")


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def main() -> None:
    """Run all phases and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ml-1m")
    parser.add_argument("--data_path", default="")
    parser.add_argument("--protocol", choices=("P2", "P4"), default="P2")
    parser.add_argument("--seeds", type=numbers, default="", help="separated by commas; those of the phases by default")
    parser.add_argument("--phases", type=names, default=",".join(PHASES), help="separated by commas; all by default")
    arguments = parser.parse_args()
    require_known("--phases", arguments.phases, list(PHASES))
    arguments.epochs, heard = 0, _Heard()
    logging.getLogger("recbole_ext").addHandler(heard)
    print(f"{describe()}\n{arguments.data}, {arguments.protocol}")
    for phase in arguments.phases:
        arguments.config_files = f"{'mdaf-phase' if arguments.protocol == 'P4' else 'mdaf-ml-1m-phase'}-{phase}"
        summary(arguments, arguments.seeds)
    slow = [message for message in heard.messages if message.startswith("slow")]
    print(f"\nwarnings: {len(heard.messages)}, of them of slow epochs or batches: {len(slow)}")
    for message in dict.fromkeys(heard.messages):
        print(f"  {message}")


def summary(arguments: argparse.Namespace, seeds: list[int]) -> None:
    """Run one phase with all its seeds, and print its table."""
    planned = configuration("MDAFMamba", arguments)
    rows, met = [], []
    for seed in seeds or planned["seeds"]:
        config = configuration("MDAFMamba", arguments, seed=seed)
        result = run(config)
        rows.append([result["valid"][name] for name in COLUMNS] + [result["test"]["auc"], result["best_epoch"]])
        met.append(result["criteria"])
    table = np.array(rows)
    print(f"\n{arguments.config_files}, {len(rows)} seeds, {planned['epochs']} epochs each")
    for name, mean, std in zip((*COLUMNS, "test auc", "best epoch"), table.mean(0), table.std(0), strict=True):
        print(f"  {name:18}{mean:9.4f} +- {std:.4f}")
    for same in zip(*met, strict=True):
        print(f"  {sum(each['verdict'] == PASS for each in same)} of {len(same)} pass: {same[0]['text']}")


if __name__ == "__main__":
    execute(main)
