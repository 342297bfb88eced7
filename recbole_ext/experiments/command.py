"""`experiment`: words into calls.

experiment create TEMPLATE NAME [--set training.seed=42 ...] [--modifications '{"epochs": 5}'] [--dataset=D]
                                [--model=M] [--seeds=1,2]
experiment run NAME [--seeds=42,123]
experiment list
experiment show NAME
experiment import FILE.csv --map=FILE.yaml [--name=NAME] [--history=FOLDER]
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from recbole_ext.config.layers import Layer, user_file
from recbole_ext.config.seeds import read_seeds
from recbole_ext.errors import DataError, UsageError, nearest
from recbole_ext.evaluation.criteria import FAIL, FAILED_EXIT_CODE
from recbole_ext.experiments.template import ROOT, change_of, modifications_of, plan, shipped, templates, told

_ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "create": (("TEMPLATE", "NAME"), ("set", "modifications", "model", "dataset", "seeds")),
    "run": (("NAME",), ("seeds",)),
    "list": ((), ()),
    "show": (("NAME",), ()),
    "import": (("FILE.csv",), ("map", "name", "history")),
}
"""Action -> the words it needs, and its options."""


def experiment_command(arguments: list[str]) -> int:
    """Carry out what stands behind the word `experiment`.

    Returns:
        0 (help too); 5 or 6 after a run, as `run_experiment` says; 6 from `show` where a criterion failed.

    Raises:
        UsageError: an action, an option or a word that does not exist, or one that is missing.
    """
    action, *rest = arguments or [""]
    if {"-h", "--help"} & {*arguments}:
        print(__doc__)
        return 0
    if action not in _ACTIONS:
        known = ", ".join(_ACTIONS)
        raise UsageError(f"experiment needs one of {known} (got {action!r}){nearest(action, _ACTIONS)}")
    words, options, changes = _parse(action, rest)
    root = Path(options.get("experiments_dir", ROOT))
    return _CARRIED_OUT[action](root, words, options, changes)


def _parse(action: str, rest: list[str]) -> tuple[list[str], dict[str, str], list[str]]:
    """Words, options, and every `--set` in its order."""
    needed, known = _ACTIONS[action]
    words: list[str] = []
    options: dict[str, str] = {}
    changes: list[str] = []
    rest = [word for word in rest if word != "--debug"]
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            words.append(word)
            continue
        key, equals, text = word[2:].partition("=")
        if key not in (*known, "experiments_dir"):
            raise UsageError(
                f"experiment {action}: unknown option --{key}{nearest(key, (*known, 'experiments_dir'))}"
                + (f"; a setting is --set {key}=VALUE" if action == "create" else "")
            )
        if not equals:
            if not rest:
                raise UsageError(f"--{key} needs a value: --{key}=VALUE")
            text = rest.pop(0)
        if key == "set":
            changes.append(text)
        elif key in options:
            raise UsageError(f"--{key} is given twice")
        else:
            options[key] = text
    if len(words) != len(needed):
        raise UsageError(_wrong_words(action, needed, words))
    return words, options, changes


def _wrong_words(action: str, needed: tuple[str, ...], words: list[str]) -> str:
    usage = " ".join(("experiment", action, *needed))
    shown = f"; the templates are {', '.join(templates())}" if action == "create" else ""
    return f"experiment {action} takes {' and '.join(needed) or 'no words'}: {usage} (got {' '.join(words)!r}){shown}"


def _create(root: Path, words: list[str], options: dict[str, str], changes: list[str]) -> int:
    layers = [modifications_of(options["modifications"])] if "modifications" in options else []
    layers += [change_of(text) for text in changes]
    typed: dict[str, Any] = {key: options[key] for key in ("model", "dataset", "seeds") if key in options}
    if typed:
        layers.append(Layer("command line", typed, user=True))
    planned = plan(words[0], layers)
    from recbole_ext.experiments.experiment import create  # with what trains, once nothing is wrong with the words

    experiment = create(root, words[1], planned)
    seeds = ", ".join(map(str, experiment.seeds)) or "none yet: add --seeds=42,123,456 to experiment run"
    print(f"{experiment.folder}: {experiment.model} on {experiment.dataset}, from {experiment.template}, seeds {seeds}")
    head = told(shipped() / Path(experiment.template).name) if experiment.template.startswith("properties/") else {}
    for name, text in head.items():
        print(f"{name:<12}{text}")
    at = "" if str(root) == ROOT else f" --experiments_dir={root}"
    print(f"next: experiment run {experiment.name}{at}")
    return 0


def _run(root: Path, words: list[str], options: dict[str, str], changes: list[str]) -> int:
    seeds = read_seeds(options.get("seeds"), "--seeds")
    from recbole_ext.experiments.experiment import read_experiment
    from recbole_ext.experiments.seed_runs import run_experiment

    return run_experiment(read_experiment(root, words[0]), seeds)


def _list(root: Path, words: list[str], options: dict[str, str], changes: list[str]) -> int:
    from recbole_ext.experiments.experiment import experiments
    from recbole_ext.experiments.standing_list import list_lines

    found = experiments(root)
    if found:
        print("\n".join(list_lines(found)))
        return 0
    print(f"no experiments in {root}; make one with experiment create TEMPLATE NAME. The templates:")
    print("\n".join(f"{name:<24}{reason}" for name, reason in templates().items()))
    return 0


def _show(root: Path, words: list[str], options: dict[str, str], changes: list[str]) -> int:
    from recbole_ext.experiments.experiment import read_experiment
    from recbole_ext.experiments.experiment_page import write_page
    from recbole_ext.experiments.past_runs import imported_lines
    from recbole_ext.experiments.standing import standing, standing_lines, verdicts_over_seeds

    experiment = read_experiment(root, words[0])
    if experiment.imported:
        print("\n".join(imported_lines(experiment)))
        return 0
    found = standing(experiment)
    lines = [f"template    {experiment.template or 'a command'} {experiment.template_sha256[:12]}".rstrip()]
    lines += [f"created     {experiment.created}", f"planned     {', '.join(map(str, experiment.seeds)) or 'no seeds'}"]
    settings = experiment.settings()
    rows = [[key, settings[key], f"# {experiment.origins.get(key, '')}"] for key in sorted(settings)]
    lines += ["", *(f"{key} = {value}  {origin}" for key, value, origin in rows)]
    lines += [f"seed {seed}: {run}" for seed, run in experiment.finished().items()]
    write_page(experiment)
    print("\n".join([*lines, *standing_lines(found), f"page        {experiment.folder / 'report.html'}"]))
    return FAILED_EXIT_CODE if any(verdict.verdict == FAIL for verdict in verdicts_over_seeds(found)) else 0


def _import(root: Path, words: list[str], options: dict[str, str], changes: list[str]) -> int:
    if "map" not in options:
        raise UsageError("experiment import needs --map=FILE.yaml; properties/past_runs has one for a W&B export")
    history = Path(options["history"]) if "history" in options else None
    from recbole_ext.experiments.past_runs import import_runs, imported_lines

    name = options.get("name", Path(words[0]).stem)
    print("\n".join(imported_lines(import_runs(root, name, Path(words[0]), options["map"], history))))
    return 0


_CARRIED_OUT: dict[str, Callable[[Path, list[str], dict[str, str], list[str]], int]] = {
    "create": _create,
    "run": _run,
    "list": _list,
    "show": _show,
    "import": _import,
}


def seeds_command(given: dict[str, Any], resume: str | None) -> int:
    """The main command with `--seeds`: an experiment made of what was typed, run and continued like any other.

    Args:
        given: options of the command line.
        resume: of the command line.

    Raises:
        UsageError: `--resume` is given too, or what `plan` raises.
    """
    if resume is not None:
        raise UsageError("--seeds continues what was left by itself; leave --resume out")
    files = [user_file(name) for name in str(given.get("config_files") or "").split()]
    typed = {key: value for key, value in given.items() if key != "config_files"}
    planned = plan("", [*files, Layer("command line", typed, user=True)], with_data=True)
    from recbole_ext.experiments.seed_runs import made_on_the_fly, run_experiment

    experiment = made_on_the_fly(Path(given.get("experiments_dir") or ROOT), planned)
    try:
        return run_experiment(experiment, planned.seeds)
    except (UsageError, DataError):
        if not any(experiment.runs.iterdir()):  # a misspelt data set is no experiment
            shutil.rmtree(experiment.folder)
        raise
