"""Words of the commands that read finished runs and files, checked before a library of models is imported."""

from collections.abc import Callable
from pathlib import Path

from recbole_ext.cli.command_line import Words
from recbole_ext.errors import DataError, UsageError, nearest
from recbole_ext.experiments.named_runs import require_runs
from recbole_ext.runs.recorded import require_run

OPTIONS = {
    "metric-audit": ("train", "reported", "dataset"),
    "rate": ("run", "pairs", "history", "output", "data_path", "device"),
    "score": ("run", "input", "output", "data_path", "device"),
    "compare": ("metric", "baseline", "output"),
    "ensemble": ("method", "weights", "output", "data_path", "device"),
}
_READ = ("pairs", "history", "train", "input")
"""Options that name a file to be read."""


def check_words(words: Words) -> None:
    """Refuse what is unknown or missing, and runs and files that are not there.

    Raises:
        UsageError: an option is unknown or missing, or there is no such run.
        DataError: a file that is to be read does not exist.
    """
    command, given = words.command, words.given
    unknown = [name for name in given if name not in OPTIONS[command]]
    if unknown:
        raise UsageError(f"{command}: unknown option --{unknown[0]}{nearest(unknown[0], OPTIONS[command])}")
    _CHECKS[command](words)
    for name in str(given.get("run") or "").split(","):
        if name:
            require_run(Path(name))
    for path in [words.file, *(given[name] for name in _READ if given.get(name))]:
        if path and not Path(path).is_file():
            raise DataError(f"cannot read {path}: there is no such file")


def _metric_audit(words: Words) -> None:
    if not words.file:
        raise UsageError("metric-audit needs a file: metric-audit predictions.tsv [--train=FILE] [--dataset=NAME]")
    reported = words.given.get("reported") or {}
    if not isinstance(reported, dict) or not all(isinstance(v, int | float) for v in reported.values()):
        raise UsageError(f'--reported must be a mapping of numbers, for instance "{{rmse: 0.9}}" (got {reported!r})')


def _rate(words: Words) -> None:
    if "run" not in words.given or not {"pairs", "history"} & set(words.given):
        raise UsageError("rate needs --run=RUN and --pairs=FILE, --history=FILE, or both")


def _score(words: Words) -> None:
    if not words.given.get("run") or not words.given.get("input"):
        raise UsageError("score needs --run=RUN and --input=FILE, and takes --output=FILE and --data_path=DIR")


def _compare(words: Words) -> None:
    if not words.files:
        raise UsageError("compare needs runs or experiments: compare RUN RUN ... [--metric=ndcg@10] [--baseline=NAME]")
    require_runs(words.files)


def _ensemble(words: Words) -> None:
    if not words.files:
        raise UsageError("ensemble needs two runs or more: ensemble RUN RUN ... [--method=mean|score|rank]")
    require_runs(words.files)


_CHECKS: dict[str, Callable[[Words], None]] = {
    "metric-audit": _metric_audit,
    "rate": _rate,
    "score": _score,
    "compare": _compare,
    "ensemble": _ensemble,
}
