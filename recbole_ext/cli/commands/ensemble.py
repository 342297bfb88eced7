"""`ensemble`: finished runs, blended."""

import argparse
import shlex
from pathlib import Path

from recbole_ext.cli.files import repeating_command
from recbole_ext.cli.outputs import declare_output
from recbole_ext.cli.parser import Parser, typed
from recbole_ext.cli.run_names import entry_of
from recbole_ext.cli.run_settings import declare_opening

SUMMARY = "blend finished runs: weights from validation, evaluated once on test"


def declare(parser: Parser) -> None:
    """Declare the options."""
    parser.add_argument(
        "runs", nargs="+", type=entry_of, metavar="RUN|EXPERIMENT", help="runs of one data set and task"
    )
    parser.add_argument(
        "--method", metavar="mean|score|rank", help="how predictions are combined; default: that of the task"
    )
    parser.add_argument("--weights", type=typed("weights"), metavar="[W,W]", help="default: chosen on validation")
    declare_output(parser, "DIR", "where to write; default: a folder beside the runs")
    declare_opening(parser)
    parser.execute = ensemble_command


def ensemble_command(words: argparse.Namespace) -> int:
    """Execute `ensemble`."""
    from recbole_ext.experiments.named_runs import require_runs

    require_runs(words.runs)
    if words.output:
        _require_folder(words.output, words.runs, words.overwrite)
    from dataset_tools.progress import waiting
    from recbole_ext.comparison.ensemble import ensemble, lines, write_ensemble

    paths = [Path(name) for name in words.runs]
    with waiting("blending"):
        found = ensemble(paths, words.method, words.weights, words.data_path, words.device)
    command = repeating_command("ensemble", words.runs, words, ("method", "weights", "output", "data_path", "device"))
    try:
        print("\n".join(lines(found)), flush=True)
    finally:  # each of the two is there where the other cannot be written
        folder = write_ensemble(found, Path(words.runs[0]), words.output, shlex.join(command))
    print(f"\nLook at {folder / 'ensemble.html'}, or read {folder / 'ensemble.json'}")
    return 0


def _require_folder(folder: Path, runs: list[str], overwrite: bool) -> None:
    """Refuse a folder of a run, and one in which files of another program have the names of these."""
    from dataset_tools.files.claims import is_page, json_with, require_free, require_place

    require_place(folder, [Path(name) for run in runs for name in run.split(",")])
    if folder.exists():
        require_free(folder / "ensemble.json", [], json_with("members", "protocol"), overwrite)
        require_free(folder / "ensemble.html", [], is_page, overwrite)
