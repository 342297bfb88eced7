"""What is compared: finished runs, one by one or as the seeds of an experiment, and their non-learned baselines."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.metric_order import smaller_is_better
from recbole_ext.evaluation.protocol import Protocol, read_protocol
from recbole_ext.evaluation.units import Units, read_units
from recbole_ext.experiments.experiment import FACTS, Experiment, read_experiment
from recbole_ext.experiments.named_runs import IMPORTED, folder_of, require_one
from recbole_ext.runs.origin import OF_MACHINE
from recbole_ext.runs.recorded import FREE_KEYS, recorded, require_tested
from recbole_ext.runs.run_files import read_metrics, read_result
from recbole_ext.training.stage_list import recorded_epochs

_ROUNDING = 1e-3
"""A result's metrics and its units are of one evaluation; they may differ by rounding alone."""
_OF_NO_MODEL = frozenset(("seed", "baselines"))
"""Keys in which the seeds of one entry may differ: what a model learns does not depend on its baselines."""


@dataclass(frozen=True)
class FinishedRun:
    """A run with a result.

    Attributes:
        path: its directory.
        model, seed: of the run.
        test: metric -> value.
        smaller: those of which less is better.
        valid: the same of the validation split, for the chosen weights; {} without one.
        baselines: name -> metric -> value.
        units: contributions of users, by the model's and the baselines' names; {} where the run left none.
        protocol: of the result.
        valid_metric: by which its weights were chosen, in lower case.
        epochs, planned_epochs: trained, and at most to be trained.
        cost: in the currency of its price; None without one.
    """

    path: Path
    model: str
    seed: int
    test: dict[str, float]
    smaller: frozenset[str]
    valid: dict[str, float]
    baselines: dict[str, dict[str, float]]
    units: dict[str, Units]
    protocol: Protocol
    valid_metric: str
    epochs: int
    planned_epochs: int
    cost: float | None

    @property
    def rows(self) -> int | None:
        """Fingerprint of the tested rows; None where it is not known."""
        return self.units[self.model].tested.rows if self.model in self.units else None


@dataclass(frozen=True)
class Entry:
    """One line of a comparison.

    Attributes:
        name: in the table.
        runs: the finished ones, one per seed.
        planned_seeds: how many there were to be.
        unfinished: `seed S: E of P epochs` of each run without a result.
        baseline: name of the non-learned baseline that this entry is; None for a trained model.
    """

    name: str
    runs: list[FinishedRun]
    planned_seeds: int = 1
    unfinished: list[str] = field(default_factory=list)
    baseline: str | None = None

    @property
    def cost(self) -> float | None:
        """Of its runs together; None where one of them does not know it, and for a baseline."""
        known = [run.cost for run in self.runs if run.cost is not None and not self.baseline]
        return sum(known) if known and len(known) == len(self.runs) else None

    def test(self, run: FinishedRun) -> dict[str, float]:
        """Test metrics in one of its runs."""
        return run.baselines[self.baseline] if self.baseline else run.test

    def units(self, run: FinishedRun) -> Units | None:
        """Contributions of users in one of its runs."""
        return run.units.get(self.baseline or run.model)


def own_names(names: list[str], folders: list[Path]) -> list[str]:
    """Names of entries, each its own: where several are equal, with as much of their folders as distinguishes them."""
    found = list(names)
    for name in {name for name in names if names.count(name) > 1}:
        places = [place for place, other in enumerate(names) if other == name]
        depth = next(n for n in range(2, 100) if len({folders[place].parts[-n:-1] for place in places}) == len(places))
        for place in places:
            found[place] = "/".join((*folders[place].parts[-depth:-1], name))
    return found


def read_entry(paths: list[Path]) -> Entry:
    """An experiment, a run, or the runs of one model under several seeds, as an entry.

    Args:
        paths: of one experiment (or its name), or of runs.

    Raises:
        UsageError: there is no run, it was imported, or the runs differ in more than their seed.
        DataError: a result is damaged.
    """
    paths = [folder_of(path) for path in paths]
    if len(paths) == 1 and (paths[0] / FACTS).is_file():
        return _of_experiment(read_experiment(paths[0].parent, paths[0].name))
    found = [_read(path) for path in paths]
    if len(paths) > 1:
        _require_same_settings(paths)
    runs = [run for entry in found for run in entry.runs]
    others = [run.path for run in runs if run.protocol.data_sha256 != runs[0].protocol.data_sha256]
    if others:
        raise UsageError(f"{others[0]} is no other seed of {runs[0].path}: its data are others; give them apart")
    twice = [run.seed for i, run in enumerate(runs) if run.seed in [other.seed for other in runs[:i]]]
    if twice:
        raise UsageError(f"{','.join(map(str, paths))}: seed {twice[0]} is there twice; a seed counts once")
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    unfinished = [text for entry in found for text in entry.unfinished]
    return Entry(found[0].name + more, runs, len(paths), unfinished)


def _of_experiment(experiment: Experiment) -> Entry:
    if experiment.imported:
        raise _imported(experiment.folder)
    done = experiment.finished()
    unfinished = []
    for seed in (seed for seed in experiment.seeds if seed not in done):
        run = experiment.run_of(seed)
        unfinished += _read(run).unfinished if run else [f"seed {seed}: not started"]
    runs = [_finished(run, recorded(run)) for run in done.values()]
    return Entry(experiment.name, runs, max(1, len(experiment.seeds)), unfinished)


def _imported(path: Path) -> UsageError:
    return UsageError(
        f"{path} was imported; under which protocol and on which data its numbers were measured is not known, so they "
        "are compared with nothing. Look at them with: experiment show"
    )


def _read(path: Path) -> Entry:
    if (path / IMPORTED).is_file():
        raise _imported(path)
    require_one(path)
    settings = recorded(path)
    if not os.path.lexists(path / "result.json"):
        progress = f"seed {settings.get('seed')}: {len(read_metrics(path))} of {recorded_epochs(settings)} epochs"
        return Entry(path.name, [], unfinished=[progress])
    return Entry(path.name, [_finished(path, settings)])


def _require_same_settings(paths: list[Path]) -> None:
    free = FREE_KEYS | OF_MACHINE | _OF_NO_MODEL
    first, *others = ({key: value for key, value in recorded(path).items() if key not in free} for path in paths)
    for path, settings in zip(paths[1:], others, strict=True):
        keys = sorted(key for key in {*first, *settings} if first.get(key) != settings.get(key))
        if keys:
            raise UsageError(
                f"{path} is no other seed of {paths[0]}: {keys[0]} is {settings.get(keys[0])!r} and was "
                f"{first.get(keys[0])!r}; give them apart, with a space between them"
            )


def _finished(path: Path, settings: dict[str, Any]) -> FinishedRun:
    try:
        result = read_result(path)
        require_tested(result, path, f"nothing of it can be compared{_instead(result, path)}")
        if result["test"] is None:
            raise DataError(f"{path} is a trial of a tuning, which was never tested; train the tuning's best.yaml")
        run = FinishedRun(
            path=path,
            model=str(result["model"]),
            seed=int(result["protocol"]["seed"]),
            test=_numbers(result["test"]),
            smaller=frozenset(name for name in result["test"] if smaller_is_better(name, result)),
            valid=_numbers(result["valid"]) if result["valid"] else {},
            baselines={str(name): _numbers(of) for name, of in result["baselines"].items()},
            units=read_units(path),
            protocol=read_protocol(result["protocol"]),
            valid_metric=str(result["valid_metric"]).lower(),
            epochs=int(result["epochs_trained"]),
            planned_epochs=recorded_epochs(settings) or int(result["epochs_trained"]),
            cost=None if result.get("cost") is None else float(result["cost"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path / 'result.json'} is damaged or of another version ({type(error).__name__}: {str(error)[:100]}); "
            "run it again"
        ) from None
    _require_one_evaluation(run)
    return run


def _instead(result: dict[str, Any], path: Path) -> str:
    earlier = result.get("final_of")
    if not earlier:
        return ""
    beside = path.parent / Path(earlier["run"]).name  # a result names no folder outside of the working directory
    return f"; compare {beside if beside.is_dir() else earlier['run']}, whose settings and epochs it has"


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    found = {str(name): float(value) for name, value in metrics.items()}
    bad = [name for name, value in found.items() if not math.isfinite(value)]
    if bad or not found:
        raise ValueError(f"{bad[0]} is {found[bad[0]]}" if bad else "no metrics")
    return found


def _require_one_evaluation(run: FinishedRun) -> None:
    """Refuse units that are not those of the result."""
    for name, metrics in {run.model: run.test, **run.baselines}.items():
        units = run.units.get(name)
        for metric in set(metrics) & set(units.totals if units else ()):
            value = units.value(metric) if units else math.nan
            if not abs(value - metrics[metric]) <= _ROUNDING * max(1.0, abs(value)):
                raise DataError(
                    f"{run.path}: {metric} of {name} is {metrics[metric]:g} in result.json and {value:g} in "
                    "test_units.npz; one of them was changed, so neither is compared. Run it again"
                )


def baseline_entries(entries: list[Entry]) -> list[Entry]:
    """The non-learned baselines of finished runs; one that all runs agree on is listed once.

    Where the seeds of an entry split the data differently, a baseline has a value for each of them.
    """
    found: list[Entry] = []
    for entry in entries:
        for name in dict.fromkeys(name for run in entry.runs for name in run.baselines):
            runs = _distinct([run for run in entry.runs if name in run.baselines], name)
            if not any(_same(other, runs, name) for other in found):
                again = any(other.baseline == name for other in found)
                label = f"{name} of {runs[0].path.name}" if again else name
                found.append(Entry(label, runs, len(runs), baseline=name))
    return found


def _distinct(runs: list[FinishedRun], name: str) -> list[FinishedRun]:
    """The first run, where a baseline is the same in all of them."""
    agree = all(_agree(runs[0].baselines[name], run.baselines[name]) for run in runs)
    return runs[:1] if agree else runs


def _same(other: Entry, runs: list[FinishedRun], name: str) -> bool:
    if other.baseline != name or len(other.runs) != len(runs):
        return False
    return all(_agree(a.baselines[name], b.baselines[name]) for a, b in zip(other.runs, runs, strict=True))


def _agree(first: dict[str, float], second: dict[str, float]) -> bool:
    return all(first[name] == second[name] for name in first if name in second)
