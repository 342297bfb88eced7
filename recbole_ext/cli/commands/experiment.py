"""`experiment`: planned, resumable runs over seeds, from a template."""

import argparse
from pathlib import Path

from recbole_ext.cli.parser import Parser, typed

SUMMARY = "plan, run, list and show experiments over seeds; import runs of other programs"
_OF_COST = {
    "price-per-hour": ("X", "price of an hour on this machine"),
    "gpu-prices": ("FILE", "list of prices by the name of the GPU"),
    "budget": ("X", "cost at which the training of each seed ends; a larger one goes on"),
    "budget-hours": ("H", "the same in hours"),
}
_CREATE = "make an experiment from a template: a file, or the name of one in properties/experiment"


def declare(parser: Parser) -> None:
    """Declare the actions and their options."""
    create = _action(parser, "create", _CREATE)
    create.add_argument("template", metavar="TEMPLATE")
    create.add_argument("name", metavar="NAME")
    create.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting; repeatable")
    create.add_argument("--modifications", metavar="JSON", help="""settings to change: '{"epochs": 5}'""")
    for name in ("model", "dataset", "seeds"):
        create.add_argument(f"--{name}", help=f"the {name} in place of the template's")
    run = _action(parser, "run", "run or resume the seeds that are not finished")
    run.add_argument("name", metavar="NAME")
    run.add_argument("--seeds", metavar="42,123", help="these instead of the planned ones")
    run.add_argument("--after", metavar="OTHER", help="start only if the criteria of this experiment hold; else exit 6")
    run.add_argument(
        "--notify", metavar="KIND", help="discord, slack or webhook: a message per end, failure and warning"
    )
    run.add_argument("--notify-file", metavar="FILE", help="file that holds the https address of --notify")
    run.add_argument("--notify-hosts", type=typed("notify_hosts"), metavar="[HOST]", help="hosts for webhook")
    for name, (shown, text) in _OF_COST.items():
        run.add_argument(f"--{name}", type=typed(name), metavar=shown, help=text)
    _action(parser, "list", "list all experiments")
    _action(parser, "show", "print settings, runs and results").add_argument("name", metavar="NAME")
    imported = _action(parser, "import", "import a table of runs of another program")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.add_argument("--map", required=True, metavar="FILE.yaml", help="mapping of the columns")
    imported.add_argument("--name", help="name of the experiment; default: that of the file")
    imported.add_argument("--history", type=Path, metavar="FOLDER", help="a csv file of epochs for each run")


def _action(parser: Parser, name: str, summary: str) -> Parser:
    added = parser.command(name, summary)
    added.add_argument("--experiments-dir", type=Path, default=None, metavar="DIR", help="where experiments are")
    added.execute = _CARRIED_OUT[name]
    return added


def _root(words: argparse.Namespace) -> Path:
    from recbole_ext.experiments.template import ROOT

    return words.experiments_dir or Path(ROOT)


def _create(words: argparse.Namespace) -> int:
    from recbole_ext.experiments.command import create_experiment

    typed = {key: getattr(words, key) for key in ("model", "dataset", "seeds") if getattr(words, key) is not None}
    print("\n".join(create_experiment(_root(words), words.template, words.name, typed, words.modifications, words.set)))
    return 0


def _run(words: argparse.Namespace) -> int:
    from recbole_ext.config.seeds import read_seeds

    seeds = read_seeds(words.seeds, "--seeds")
    from recbole_ext.experiments.experiment import read_experiment
    from recbole_ext.experiments.seed_runs import run_experiment

    keys = ("notify", "notify_file", "notify_hosts", *(name.replace("-", "_") for name in _OF_COST))
    of_start = {key: value for key in keys if (value := getattr(words, key)) is not None}
    experiment = read_experiment(_root(words), words.name)
    if words.after is not None:
        from recbole_ext.experiments.gate import require_after

        require_after(experiment, read_experiment(_root(words), words.after))
    return run_experiment(experiment, seeds, of_start)


def _list(words: argparse.Namespace) -> int:
    from recbole_ext.experiments.command import show_list

    return show_list(_root(words))


def _show(words: argparse.Namespace) -> int:
    from recbole_ext.experiments.command import show

    return show(_root(words), words.name)


def _import(words: argparse.Namespace) -> int:
    from recbole_ext.experiments.imported_list import imported_lines
    from recbole_ext.experiments.past_runs import import_runs

    name = words.name or words.file.stem
    print("\n".join(imported_lines(import_runs(_root(words), name, words.file, words.map, words.history))))
    return 0


_CARRIED_OUT = {"create": _create, "run": _run, "list": _list, "show": _show, "import": _import}
