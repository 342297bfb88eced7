"""`tune`: search over settings with Ray and Optuna."""

import argparse

from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_settings import declare_run, given_keys

SUMMARY = "search for the best settings of a model, on one machine or a cluster"
TAKES_KEYS = True
_OPTIONS = {
    "space": ("FILE|NAME", "the search space: a file, or the name of one in properties/tune"),
    "metric": ("NAME", "the validation metric to optimize"),
    "trials": ("N", "number of trials"),
    "scheduler": ("asha|none", "asha stops poor trials early"),
    "searcher": ("tpe|random", "search algorithm"),
    "grace-epochs": ("N", "asha: epochs of every trial before the first rung"),
    "reduction-factor": ("N", "asha: one trial in N is continued at each rung"),
    "cpus-per-trial": ("N", "CPU cores and threads per trial"),
    "gpus-per-trial": ("X", "GPUs per trial; 0.25: four trials share one"),
    "max-concurrent": ("N", "largest number of concurrent trials"),
    "max-failures": ("N", "restarts of a trial after failures"),
    "keep-best": ("N", "number of best trials whose checkpoints are kept"),
    "tune-dir": ("DIR", "folder of the tunings"),
    "ray-address": ("HOST:PORT", "address of a running Ray cluster; default: start one on this machine"),
}
_AS_TEXT = ("space", "metric", "tune-dir", "ray-address")


def declare(parser: Parser) -> None:
    """Declare the options."""
    declare_run(parser)
    for name, (shown, text) in _OPTIONS.items():
        parser.add_argument(f"--{name}", metavar=shown, help=text, type=str if name in _AS_TEXT else typed(name))
    parser.add_argument(
        "--resume",
        nargs="?",
        const="newest",
        metavar="NAME",
        help="continue the newest unfinished tuning, or this",
    )
    parser.execute = tune_command


def tune_command(words: argparse.Namespace) -> int:
    """Execute `tune`."""
    from recbole_ext.tuning import tune

    declared = {name.replace("-", "_"): getattr(words, name.replace("-", "_")) for name in _OPTIONS}
    given = given_keys(words) | {name: value for name, value in declared.items() if value is not None}
    return tune.tune_command(given, words.resume)
