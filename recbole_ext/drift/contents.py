"""`drift.json` of model drift, version 1."""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pandas as pd

from dataset_tools.times.tally import moment
from recbole_ext.drift.decay import half_life
from recbole_ext.drift.estimates import Estimate, curve, mean_difference
from recbole_ext.drift.future import Future
from recbole_ext.drift.judged import is_enough, metrics_of, overall_verdict, span_json, window_json
from recbole_ext.drift.recommendation import recommend
from recbole_ext.drift.reference import Reference
from recbole_ext.drift.rows import on_common_rows
from recbole_ext.drift.sentences import sentences
from recbole_ext.drift.windowed import Window
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.files import sha256_of
from recbole_ext.runs.run_files import read_result
from recbole_ext.serving.load import LoadedRun

VERSION, KIND = 1, "model"


def model_report(
    run: LoadedRun,
    future: Future,
    windows: list[Window],
    reference: Reference,
    row_metrics: RowMetrics,
    limits: Mapping[str, float],
    cost: float,
) -> dict[str, Any]:
    """Everything but the data.

    Args:
        run: opened.
        future: its future.
        windows: measured.
        reference: from which losses are counted.
        row_metrics: of the run.
        limits: `thresholds.yaml`, section `model`.
        cost: of retraining, in units of the metric.
    """
    metric = main_metric(run, windows)
    found = [window_json(window, reference, metric, row_metrics, limits) for window in windows]
    verdict = overall_verdict(found, metric)
    excess = verdict["metrics"].get(metric, {}).get("largest_excess")
    return {
        "version": VERSION,
        "kind": KIND,
        "run": _run(run) | {"past_end": moment(future.last, "seconds")},
        "future": _future(future, windows),
        "metric": metric,
        "own_test": {name: of.as_json() for name, of in reference.model.items()},
        "own_split": reference.split,
        "own_baselines": reference.baselines,
        "windows": found,
        "decay": {name: _decay(name, windows, limits) for name in metrics_of(windows)},
        "verdict": verdict | {"summary": sentences(found, metric, reference)},
        "recommendation": recommend(metric, gains(windows, metric, row_metrics), cost, excess).as_json(),
        "thresholds": dict(limits),
        "years": years(windows, row_metrics),
    }


def main_metric(run: LoadedRun, windows: list[Window]) -> str:
    """The metric that chose the weights, where it is a quality of rows; else the first one that is."""
    chosen = str(run.config["valid_metric"]).lower()
    known = metrics_of(windows)
    return chosen if chosen in known or not known else known[0]


def _run(run: LoadedRun) -> dict[str, Any]:
    result = read_result(run.path)
    facts = {"name": run.path.name, "model": run.config.model, "dataset": run.config.dataset}
    return {**facts, "protocol": result.get("protocol"), "finished": bool(result), "notes": list(run.notes)}


def _future(future: Future, windows: list[Window]) -> dict[str, Any]:
    return {
        "file": ", ".join(str(file) for file in future.files),
        "sha256": {str(file): sha256_of(file) for file in future.files},
        "of_own_data": future.is_own,
        "rows": sum(len(window.table) for window in windows),
        "start": moment(future.start, "seconds"),
        "end": moment(windows[-1].end, "seconds"),
    }


def _decay(metric: str, windows: list[Window], limits: Mapping[str, float]) -> dict[str, Any]:
    """The curve of one metric and its half-life; windows with too few rows are no points."""
    kept = [
        window for window in windows if window.units and metric in window.units.totals and is_enough(window, limits)
    ]
    units, days = [window.units for window in kept if window.units], [window.days or 0.0 for window in kept]
    values = [window.estimates[metric] for window in kept]
    points = [[day, of.value, of.low, of.high] for day, of in zip(days, values, strict=True)]
    if not units:
        return {"half_life_days": None, "low": None, "high": None, "reason": "no window has enough rows", "points": []}
    return {**half_life(curve(units, days, metric), limits).as_json(), "points": points}


def gains(windows: list[Window], metric: str, row_metrics: RowMetrics) -> dict[str, Estimate]:
    """`retrained` and `fine_tuned` -> how much better it is on average over the windows, weighted by rows."""
    found = {}
    for kind in dict.fromkeys(kind for window in windows for kind in window.others):
        pairs = [on_common_rows(row_metrics, window.others[kind], window.table) for window in windows]
        known = [pair for pair in pairs if pair and all(metric in units.totals for units in pair)]
        if known:
            rows = [float(pair[0].tested.rows) for pair in known]
            found[kind] = mean_difference([p[0] for p in known], [p[1] for p in known], metric, rows)
    return found


def years(windows: list[Window], row_metrics: RowMetrics) -> list[dict[str, Any]] | None:
    """The model by calendar year (UTC), computed from the rows; None where the future has no more than two years."""
    table = pd.concat([window.table for window in windows])
    of_row = table["time"].to_numpy().astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    found = np.unique(of_row)
    return (
        [span_json(table[of_row == year], row_metrics, *_year(int(year))) for year in found] if len(found) > 2 else None
    )


def _year(year: int) -> tuple[int, int]:
    """First second, and first second after it."""
    first, end = (int(datetime(each, 1, 1, tzinfo=timezone.utc).timestamp()) for each in (year, year + 1))
    return first, end
