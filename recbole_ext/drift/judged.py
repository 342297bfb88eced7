"""The windows of a model drift measurement as `drift.json` holds them, with their verdicts."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from dataset_tools.drift.verdict import INSUFFICIENT, overall
from dataset_tools.times.tally import moment
from recbole_ext.drift.estimates import differences
from recbole_ext.drift.quality import kind_of
from recbole_ext.drift.reference import Reference
from recbole_ext.drift.rows import evaluated, on_common_rows
from recbole_ext.drift.verdict import Judged, Nulls, judge
from recbole_ext.drift.windowed import Window
from recbole_ext.evaluation.row_metrics import RowMetrics
from recbole_ext.serving.later.result import groups_of, measured_rows


def is_enough(window: Window, limits: Mapping[str, float]) -> bool:
    """Whether a window has as many evaluated rows and users as a verdict and a curve need."""
    return window.n_evaluated >= limits["minimum.rows"] and window.n_users >= limits["minimum.users"]


def window_json(
    window: Window, reference: Reference, metric: str, row_metrics: RowMetrics, limits: Mapping[str, float]
) -> dict[str, Any]:
    """One window.

    Args:
        window: measured.
        reference: from which losses are counted.
        metric: whose verdict is that of the window.
        row_metrics: of the run.
        limits: `thresholds.yaml`, section `model`.
    """
    table = window.table
    judged = verdicts(window, reference, row_metrics, limits)
    groups = groups_of(row_metrics, table)
    return {
        **span_json(table, row_metrics, window.start, window.end),
        "days": window.days,
        "evaluated_users": window.n_users,
        "state": judged[metric].state if metric in judged else INSUFFICIENT,
        "groups": {name: asdict(of) for name, of in groups.items()},
        "baselines": {name: _baseline(window, name, row_metrics) for name in window.frozen},
        "verdicts": {name: of.as_json() for name, of in judged.items()},
        **{kind: _other(window, window.others.get(kind), row_metrics) for kind in ("retrained", "fine_tuned")},
    }


def span_json(table: pd.DataFrame, row_metrics: RowMetrics, start: int, end: int) -> dict[str, Any]:
    """What the rows of a span of time (Unix seconds) are, and the model's metrics on them."""
    return {
        "start": moment(start, "seconds"),
        "end": moment(end, "seconds"),
        "rows": len(table),
        "users": int(table["user"].nunique()),
        "evaluated": int(evaluated(table).sum()),
        "new_user_rows": int((~table["known_user"]).sum()),
        "new_item_rows": int((~table["known_item"]).sum()),
        "metrics": measured_rows(row_metrics, table).as_dict(),
    }


def verdicts(
    window: Window, reference: Reference, row_metrics: RowMetrics, limits: Mapping[str, float]
) -> dict[str, Judged]:
    """The verdict on each metric of the model that the reference has too."""
    enough = is_enough(window, limits)
    found = {}
    for metric in (name for name in window.estimates if name in reference.model):
        nulls = _nulls(window, reference, metric, row_metrics)
        found[metric] = judge(metric, window.estimates[metric], nulls, enough, limits)
    return found


def _nulls(window: Window, reference: Reference, metric: str, row_metrics: RowMetrics) -> Nulls:
    name = reference.best_baseline(metric)
    if name is None or name not in window.refitted:
        return Nulls(reference.model[metric], None, None)
    now = _values(row_metrics, window.refitted[name]).get(metric)
    return Nulls(reference.model[metric], reference.baselines[name][metric], now)


def _values(row_metrics: RowMetrics, table: pd.DataFrame) -> dict[str, float]:
    return measured_rows(row_metrics, table, with_intervals=False).metrics


def _baseline(window: Window, name: str, row_metrics: RowMetrics) -> dict[str, Any]:
    """A baseline's metrics on the rows of the window, and how much better the model is than the refitted one."""
    refitted = window.refitted.get(name)
    return {
        "frozen": _values(row_metrics, window.frozen[name]),
        "refitted": {} if refitted is None else _values(row_metrics, refitted),
        "difference": {} if refitted is None else _differences(window.table, refitted, row_metrics),
    }


def _differences(ours: pd.DataFrame, theirs: pd.DataFrame, row_metrics: RowMetrics) -> dict[str, Any]:
    """Metric -> by how much the first is better on the rows of both, users paired."""
    units = on_common_rows(row_metrics, ours, theirs)
    if units is None:
        return {}
    return {metric: of.as_json() for metric, of in differences(*units).items()}


def _other(window: Window, table: pd.DataFrame | None, row_metrics: RowMetrics) -> dict[str, Any] | None:
    """A model that was trained again: its metrics on the rows of both, with how much better it is (`gain`)."""
    if table is None:
        return None
    common = table[evaluated(window.table) & evaluated(table)]
    gains = _differences(table, window.table, row_metrics)
    found = measured_rows(row_metrics, common).as_dict()
    return {metric: {**of, "gain": gains.get(metric)} for metric, of in found.items()}


def overall_verdict(windows: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    """Each metric's states over the windows, and the state of the metric that counts."""
    found = {}
    for name in dict.fromkeys(name for window in windows for name in window["verdicts"]):
        judged = [window["verdicts"].get(name) for window in windows]
        states = [INSUFFICIENT if one is None else one["state"] for one in judged]
        known = [one["excess"] for one in judged if one and one["excess"] is not None and one["state"] != INSUFFICIENT]
        found[name] = {"state": overall(states), "windows": states, "largest_excess": max(known, default=None)}
    state = found[metric]["state"] if metric in found else INSUFFICIENT
    return {"state": state, "metric": metric, "metrics": found}


def metrics_of(windows: list[Window]) -> list[str]:
    """Metrics that are a quality and that a window has."""
    return list(dict.fromkeys(m for w in windows if w.units for m in w.units.totals if kind_of(m)))
