"""Seconds of a training epoch: MDAFMamba and MDAFBST beside RecBole's DIN, on the same rows, in the same run.

    python -m benchmarks.ctr_speed --data ml-1m [--data_path dataset] [--protocol P2]

Each epoch is estimated as `preflight` does: the second pass over the first 20 batches, times the number of batches.
Ours have both branches that the gate weighs, as in properties/experiment/mdaf-ml-1m-phase-1.yaml.
DIN reads at most 50 events, RecBole's default, and ours 100; each trains with its own default number of rows per step.
"""

import argparse

from benchmarks.command import execute
from benchmarks.ctr import SPLITS, configuration
from benchmarks.machine import describe
from recbole_ext.preflight.estimate import estimate

MODELS = ("MDAFMamba", "MDAFBST", "DIN")


def main() -> None:
    """Time all models and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="ml-1m")
    parser.add_argument("--data_path", default="")
    parser.add_argument("--protocol", choices=sorted({*SPLITS} - {"P1"}), default="P2")
    arguments = parser.parse_args()
    arguments.epochs, arguments.config_files = 1, "mdaf-ml-1m-phase-1"
    print(f"{describe()}\n{arguments.data}, {arguments.protocol}", flush=True)
    seconds = {}
    for model in MODELS:
        found = estimate(configuration(model, arguments))
        seconds[model] = found["epoch_seconds"]
        print(
            f"{model:10} {found['epoch_seconds']:9.1f} s an epoch, {found['valid_seconds']:8.1f} s a validation",
            flush=True,
        )
    for model in MODELS[:2]:
        print(f"{model} trains {seconds['DIN'] / seconds[model]:.1f} times as fast as DIN")


if __name__ == "__main__":
    execute(main)
