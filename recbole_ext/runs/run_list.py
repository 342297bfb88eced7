"""The runs of a folder, the newest first: only the files of those that are listed are read, each once."""

import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, UsageError
from recbole_ext.evaluation.metric_order import smaller_is_better
from recbole_ext.evaluation.tables import table_lines
from recbole_ext.runs.marks import Marks, read_marks
from recbole_ext.runs.recorded import recorded
from recbole_ext.runs.run_files import if_sound, read_events, read_metrics, read_result
from recbole_ext.runs.trash import is_held, names_of_runs

HEAD = ["run", "state", "epochs", "best epoch", "metric", "valid", "test"]
_NAME = re.compile(r"(?P<model>[^-]+)-(?P<dataset>.+)-(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{4}")
_ENDS = ("failed", "interrupted")


@dataclass(frozen=True)
class Listed:
    """One run.

    Attributes:
        run: name of its directory.
        state: finished, running, failed, interrupted, unfinished or damaged.
        epochs, best_epoch: that were trained, and whose weights were tested; None where it is not known.
        metric: by which validation chose, in small letters.
        smaller: metrics of the test split of which less is better.
        valid, test: metrics; {} where there are none.
        marks: tags and note.
    """

    run: str
    state: str
    epochs: int | None = None
    best_epoch: int | None = None
    metric: str = ""
    smaller: tuple[str, ...] = ()
    valid: dict[str, Any] = field(default_factory=dict)
    test: dict[str, Any] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)

    @property
    def started(self) -> str:
        """The moment in its name, `20260101T120000Z`; "" for another name."""
        found = _NAME.fullmatch(self.run)
        return found["stamp"] if found else ""

    def cells(self, metric: str = "") -> list[str]:
        """As `HEAD` names them; by another metric than its own where one is given."""
        metric = metric or self.metric
        numbers = (self.epochs, self.best_epoch)
        values = map(_shown, (*numbers, metric or None, self.valid.get(metric), self.test.get(metric)))
        return [self.run, self.state, *values]


@dataclass(frozen=True)
class Asked:
    """Which runs are listed, and how.

    Attributes:
        last: how many, the newest or the best; 0 for all.
        model, dataset, tag: those of this alone; "" for all.
        sort: metric of the test split, the best first; "" for the newest first.
    """

    last: int = 0
    model: str = ""
    dataset: str = ""
    tag: str = ""
    sort: str = ""


@dataclass(frozen=True)
class RunList:
    """Some of the runs of a folder.

    Attributes:
        folder: that was listed.
        count: of all runs that were asked for.
        n_finished: how many of them have a result.
        runs: those that are listed.
        damage: a message for each file of them that is damaged.
        sort: the metric that orders them; "" for the time.
    """

    folder: Path
    count: int
    n_finished: int
    runs: list[Listed]
    damage: list[str]
    sort: str = ""

    def lines(self) -> list[str]:
        """The list as text; tags and notes have a column where a run has some."""
        order = "best" if self.sort else "newest"
        shown = f"; the {order} {len(self.runs)} (--last=N for more, 0 for all)" if len(self.runs) < self.count else ""
        total = f"{self.folder}: {self.count:,} runs, {self.n_finished:,} finished{shown}"
        rows = [run.cells(self.sort) for run in self.runs]
        marked = [[" ".join((*run.marks.tags, run.marks.note))] for run in self.runs]
        if any(cell for (cell,) in marked):
            return [total, *table_lines([*HEAD, "marks"], [a + b for a, b in zip(rows, marked, strict=True)])]
        return [total, *(table_lines(HEAD, rows) if rows else [])]

    def as_list(self) -> list[dict[str, Any]]:
        """For programs."""
        return [asdict(run) | {"started": run.started} for run in self.runs]


def list_runs(folder: Path, asked: Asked = Asked()) -> RunList:
    """The runs of a folder: the newest first by the times in their names, those with other names last.

    Args:
        folder: that holds directories of runs.
        asked: which of them.

    Raises:
        UsageError: there is no such folder, `last` is negative, or no run has the metric that is to sort them.
    """
    if asked.last < 0:
        raise UsageError(f"--last must be a whole number of at least 0 (got {asked.last})")
    names = sorted((n for n in names_of_runs(folder) if _is_of(folder / n, asked)), key=_newest, reverse=True)
    damage: list[str] = []
    whole = bool(asked.sort or asked.tag)
    runs = [_listed(folder / name, damage) for name in (names if whole else names[: asked.last or None])]
    runs = [run for run in runs if not asked.tag or asked.tag in run.marks.tags]
    found = [run.run for run in runs] if asked.tag else names
    n_finished = sum(os.path.lexists(f"{folder}/{name}/result.json") for name in found)
    return RunList(
        folder, len(found), n_finished, _sorted(runs, asked.sort)[: asked.last or None], damage, asked.sort.lower()
    )


def _is_of(run: Path, asked: Asked) -> bool:
    """Whether a run is of the model and data set that are asked for; only settings of renamed runs are read."""
    if not (asked.model or asked.dataset):
        return True
    found = _NAME.fullmatch(run.name)
    model, dataset = (found["model"], found["dataset"]) if found else _recorded_names(run)
    return asked.model in ("", model) and asked.dataset in ("", dataset)


def _recorded_names(run: Path) -> tuple[str, str]:
    """Model and data set by the run's settings; "" where they cannot be read."""
    settings = if_sound(recorded, run, []) or {}
    return str(settings.get("model", "")).rpartition(":")[2], str(settings.get("dataset", ""))


def _newest(name: str) -> tuple[str, str]:
    found = _NAME.fullmatch(name)
    return found["stamp"] if found else "", name


def _sorted(runs: list[Listed], metric: str) -> list[Listed]:
    """The best first, runs without the metric last; the order of a metric is that of the runs that chose by it."""
    metric = metric.lower()
    if not metric:
        return runs
    known = [run for run in runs if metric in run.test]
    if not known:
        names = sorted({name for run in runs for name in run.test})
        raise UsageError(f"--sort={metric}: no listed run has it; they have {', '.join(names) or 'no test result'}")
    smaller = any(metric in run.smaller for run in known)
    rest = [run for run in runs if metric not in run.test]
    return [*sorted(known, key=lambda run: run.test[metric], reverse=not smaller), *rest]


def _listed(run: Path, damage: list[str]) -> Listed:
    try:
        result, marks = read_result(run), read_marks(run)
        if not result:
            return Listed(run.name, _state(run), len(read_metrics(run)), marks=marks)
    except DataError as error:
        damage.append(str(error))
        return Listed(run.name, "damaged")
    return Listed(
        run.name,
        "finished",
        result.get("epochs_trained"),
        result.get("best_epoch"),
        str(result["valid_metric"]).lower(),
        tuple(name for name in result.get("test") or {} if smaller_is_better(name, result)),
        result.get("valid") or {},
        result.get("test") or {},
        marks,
    )


def _state(run: Path) -> str:
    """Of a run without a result."""
    if is_held(run):
        return "running"
    try:
        events = read_events(run)
    except DataError:
        return "unfinished"
    last = str(events[-1]["event"]) if events else ""
    return last if last in _ENDS else "unfinished"


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
