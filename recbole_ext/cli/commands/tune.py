"""`tune`: search over settings with Ray and Optuna."""

import argparse

from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_settings import declare_run, given_keys

SUMMARY = "search for the best settings of a model, on as many cores or machines as there are"
TAKES_KEYS = True
_OPTIONS = {
    "space": ("FILE|NAME", "the space that is searched: a file, or the name of one in properties/tune"),
    "metric": ("NAME", "the metric on validation that chooses"),
    "trials": ("N", "how many are tried"),
    "scheduler": ("asha|none", "asha stops poor trials early"),
    "searcher": ("tpe|random", "how settings are proposed"),
    "grace-epochs": ("N", "asha: epochs that every trial gets"),
    "reduction-factor": ("N", "asha: one of so many goes on at each rung"),
    "cpus-per-trial": ("N", "cores of a trial, and its threads"),
    "gpus-per-trial": ("X", "GPUs of a trial; 0.25 lets four trials share one"),
    "max-concurrent": ("N", "how many trials run at once at most"),
    "max-failures": ("N", "how often a trial is begun again after a failure"),
    "keep-best": ("N", "of how many of the best trials checkpoints stay"),
    "tune-dir": ("DIR", "where tunings are"),
    "ray-address": ("HOST:PORT", "a Ray cluster that is running; default: one of this machine"),
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
    parser.carry_out = tune_command


def tune_command(words: argparse.Namespace) -> int:
    """Carry out `tune`."""
    from recbole_ext.tuning import tune

    declared = {name.replace("-", "_"): getattr(words, name.replace("-", "_")) for name in _OPTIONS}
    given = given_keys(words) | {name: value for name, value in declared.items() if value is not None}
    return tune.tune_command(given, words.resume)
