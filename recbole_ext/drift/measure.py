"""The command `drift --run`: a run and its future in, `drift.json` out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataset_tools.drift.thresholds import load_thresholds
from dataset_tools.progress import Progress, waiting
from recbole_ext.drift.baselines import baseline_makers
from recbole_ext.drift.contents import model_report
from recbole_ext.drift.data import data_report
from recbole_ext.drift.future import Future, open_future, windows_of
from recbole_ext.drift.options import ModelDriftOptions
from recbole_ext.drift.output import DATA, FINE_TUNED, REPORT, RETRAINED, output_folder
from recbole_ext.drift.reference import reference_of
from recbole_ext.drift.report.page import write_page
from recbole_ext.drift.report.summary import write_summary
from recbole_ext.drift.retrained import Again, retrained_tables
from recbole_ext.drift.windowed import Window, Windowed
from recbole_ext.files import sha256_of, write_atomically
from recbole_ext.serving.later.evaluate import LaterEvaluation
from recbole_ext.serving.load import LoadedRun, finished_config, load_run


def measure(options: ModelDriftOptions, command: list[str] | None = None) -> dict[str, Any]:
    """Evaluate a run on the windows of its future and write `drift.json`.

    Args:
        options: see there.
        command: what was typed, for the directories of the runs that are trained again.

    Returns:
        What `drift.json` holds.

    Raises:
        UsageError: an option has a value that is not allowed.
        DataError: the future is not after the past, a window is empty, or a file is not as the run reads it.
        ResourceError: the output cannot be written.
    """
    thresholds = load_thresholds(options.thresholds)
    limits = thresholds.section("model")
    config = finished_config(options.run, options.data_path, options.device)
    with waiting("opening the run and the later data"):
        run = load_run(options.run, config, raw=options.data_path is not None)
        future = open_future(run, options.future)
        later = LaterEvaluation(run, future.table, None, future.is_own)
    table = later.later.table
    windows = windows_of(future, table[run.train.time_field].to_numpy(), table[run.train.uid_field], options.windows)
    windowed = Windowed(later, future, windows, options.users)
    makers = baseline_makers(run)
    with output_folder(options.output, _request(run, future, options), options.overwrite) as folder:
        data = data_report(run, future, options, folder / DATA)
        with Progress("evaluating", windowed.n_evaluations(makers)) as bar:
            measured = list(windowed.measured(makers, bar.update))
        found = _with_others(measured, windowed, options, folder, command or [])
        with waiting("measuring the run's own test"):
            reference = reference_of(run, makers, future.is_own)
        cost = limits["cost"] if options.cost is None else options.cost
        report = model_report(run, future, found, reference, windowed.row_metrics, limits, cost) | data
        report["future"]["sample"] = windowed.later.sample
        write_page(report, folder)
        write_summary(report, folder)
        write_atomically(folder / REPORT, (json.dumps(report, indent=2, allow_nan=False) + "\n").encode())
    return report


def _with_others(
    windows: list[Window], windowed: Windowed, options: ModelDriftOptions, folder: Path, command: list[str]
) -> list[Window]:
    """The windows with the tables of the models that were trained again, where that is asked for."""
    asked = [Again(RETRAINED, options.retrain, None, folder, command)] if options.retrain else []
    if options.fine_tune:
        asked.append(Again(FINE_TUNED, options.fine_tune, options.fine_tune_epochs, folder, command))
    tables = {again.kind: retrained_tables(windowed, again) for again in asked}
    return [
        replace(window, others={kind: of[number] for kind, of in tables.items()})
        for number, window in enumerate(windows)
    ]


def _request(run: LoadedRun, future: Future, options: ModelDriftOptions) -> dict[str, Any]:
    """What decides the result; runs in the output folder are read back for an equal request alone."""
    return {
        "run": str(run.path.resolve()),
        "weights": sha256_of(run.path / "checkpoint" / "best.json"),
        "future": {str(file.resolve()): sha256_of(file) for file in future.files},
        "start": future.start,
        "windows": options.windows,
        "users": run.config["tested_users"] if options.users is None else options.users,
        "retrain": options.retrain,
        "fine_tune": [options.fine_tune, options.fine_tune_epochs] if options.fine_tune else None,
    }
