"""One trial, in the process that executes it: our own run, which never reads the test split.

A trial that was begun before continues from its own checkpoint, to the same weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recbole_ext.errors import DataError, NonFiniteError, UsageError
from recbole_ext.pipeline.train import run
from recbole_ext.runs.run_files import read_metrics
from recbole_ext.tuning.settings import Settings

QUIET = {"show_progress": False, "notify": None, "budget": None, "budget_hours": None}
"""A tuning reports for its trials, see `messages`, and its budget is that of all trials together."""
FINAL = (NonFiniteError, UsageError, DataError)
"""Errors caused by the values themselves: the same run would end in the same way, so it is not begun again."""
CAUSE = "cause.txt"


@dataclass(frozen=True)
class Job:
    """The request to a worker.

    Attributes:
        settings: of the tuning.
        place: the folder of the trial; every machine sees it under this path.
        values: of the space.
        reported: epochs already reported to the driver.
    """

    settings: Settings
    place: str
    values: dict[str, Any]
    reported: int = 0


def execute(job: Job, report: Callable[[int, float], None]) -> str:
    """Train and validate; report the score after each epoch.

    Args:
        job: the trial.
        report: called once for each epoch after `reported`, with the epochs done and the best score until then.

    Returns:
        "" when all went well, else why the values cannot be used.
    """
    place, settings = Path(job.place), job.settings
    try:
        own = {"runs_dir": str(place), "torch_threads": settings.cpus_per_trial, **QUIET}
        config = settings.config({**job.values, **own})
        report = _Once(report, job.reported)
        if _report_past(place, config["valid_metric"].lower(), config["valid_metric_bigger"], report):
            return ""
        run(config, resume="newest", test=False, on_epoch=lambda epoch, best: report(epoch + 1, best))
        return ""
    except FINAL as error:
        return _told(error)
    except Exception as error:
        (place / CAUSE).write_text(_told(error), encoding="utf-8")
        raise


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


class _Once:
    """Passes each epoch on once: some were reported before, some are trained again after a kill."""

    def __init__(self, report: Callable[[int, float], None], reported: int) -> None:
        self.report, self.reported = report, reported

    def __call__(self, epochs: int, best: float) -> None:
        if epochs > self.reported:
            self.reported = epochs
            self.report(epochs, best)


def _report_past(place: Path, metric: str, bigger: bool, report: Callable[[int, float], None]) -> bool:
    """Report what the newest run of this trial has recorded; whether it is finished."""
    states = sorted(place.glob("*/checkpoint/last.json"), key=lambda path: path.stat().st_mtime_ns)
    if not states:
        return False
    folder = states[-1].parents[1]
    best = None
    for row in read_metrics(folder):
        if row.get(metric):
            score = float(row[metric])
            best = score if best is None else max(best, score) if bigger else min(best, score)
        if best is not None:
            report(int(row["epoch"]), best)
    return (folder / "result.json").exists()
