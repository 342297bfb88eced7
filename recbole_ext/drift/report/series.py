"""The lines of the charts, from a `drift.json` of model drift."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from recbole_ext.drift.quality import kind_of
from recbole_ext.drift.report.curves import Curves, Interval, Line, Spot
from recbole_ext.drift.window_names import began

MODEL = "model"
UPDATED = {"retrained": "retrained", "fine_tuned": "fine-tuned"}
GROUP_NAMES = {
    "known_users": "users of the training data",
    "new_users": "new users",
    "known_items": "items of the training data",
    "new_items": "new items",
}
_FIT_POINTS = 60

Window = dict[str, Any]
Find = Callable[[Window], Interval | None]


def metrics_of(report: dict[str, Any]) -> list[str]:
    """The metrics of the windows, the one that is judged first."""
    names = {name: None for window in report["windows"] for name in window["metrics"]}
    return sorted(names, key=lambda name: name != report["metric"])


def interval(entry: dict[str, Any] | None) -> Interval | None:
    """`{value, low, high}` as a tuple; None of a window without the metric."""
    if entry is None or entry["value"] is None:
        return None
    return entry["value"], entry["low"], entry["high"]


def curves(report: dict[str, Any], metric: str) -> Curves:
    """The chart of a metric: the model, what it was updated to, and baselines."""
    windows = report["windows"]
    lines = [Line(MODEL, "s0", _spots(windows, lambda w: interval(w["metrics"].get(metric)), judged=True), band=True)]
    for key, style in (("retrained", "s1"), ("fine_tuned", "s2")):
        lines.append(Line(UPDATED[key], style, _spots(windows, _of(key, metric))))
    for place, name in enumerate(baselines_of(report)):
        for form, look in (("refitted", ""), ("frozen", " dashed")):
            spots = _spots(windows, of_baseline(name, form, metric))
            lines.append(Line(f"{name}, {form}", f"s{3 + place % 5}{look}", spots))
    own = interval(report["own_test"].get(metric))
    return Curves(metric, [line for line in lines if line.spots], own, _fit(report, metric))


def difference_curves(report: dict[str, Any]) -> Curves:
    """By how much the model is better than each refitted baseline on the same rows, users paired."""
    metric, windows = report["metric"], report["windows"]
    lines = [
        Line(f"better than {name}", f"s{3 + place % 5}", _spots(windows, _of_difference(name, metric)), band=not place)
        for place, name in enumerate(baselines_of(report))
    ]
    return Curves(f"{metric}, difference", [line for line in lines if line.spots])


def group_curves(report: dict[str, Any]) -> Curves:
    """The judged metric by group of users and items."""
    metric, windows = report["metric"], report["windows"]
    names = {name: None for window in windows for name in window["groups"]}
    lines = [
        Line(
            GROUP_NAMES.get(name, name.replace("_", " ")), f"s{3 + place % 5}", _spots(windows, _of_group(name, metric))
        )
        for place, name in enumerate(names)
    ]
    return Curves(metric, [line for line in lines if line.spots], interval(report["own_test"].get(metric)))


def baselines_of(report: dict[str, Any]) -> list[str]:
    """Names of the non-learned baselines, in their order."""
    return list({name: None for window in report["windows"] for name in window["baselines"]})


def _of(key: str, metric: str) -> Find:
    return lambda window: interval((window[key] or {}).get(metric))


def of_baseline(name: str, form: str, metric: str) -> Find:
    """A baseline's metric in a window; it has no interval.

    Args:
        name: of the baseline.
        form: `frozen` or `refitted`.
        metric: its name.
    """

    def found(window: Window) -> Interval | None:
        value = window["baselines"].get(name, {}).get(form, {}).get(metric)
        return None if value is None else (value, None, None)

    return found


def _of_difference(name: str, metric: str) -> Find:
    return lambda window: interval(window["baselines"].get(name, {}).get("difference", {}).get(metric))


def _of_group(name: str, metric: str) -> Find:
    def found(window: Window) -> Interval | None:
        group = window["groups"].get(name)
        if group is None or metric not in group["metrics"]:
            return None
        low, high = group["intervals"].get(metric, (None, None))
        return group["metrics"][metric], low, high

    return found


def _spots(windows: Sequence[dict[str, Any]], of: Find, judged: bool = False) -> list[Spot]:
    found = [(window, of(window)) for window in windows]
    return [
        Spot(_middle(window), value, window["state"] if judged else "", began(window))
        for window, value in found
        if value is not None and math.isfinite(value[0])
    ]


def seconds(iso: str) -> float:
    """Unix seconds of `2001-02-03T04:05:06Z`."""
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()


def _middle(window: dict[str, Any]) -> float:
    return (seconds(window["start"]) + seconds(window["end"])) / 2


def _fit(report: dict[str, Any], metric: str) -> list[tuple[float, float]]:
    """The fitted decay over the span of the windows; nothing where no half-life is reported."""
    found = report["decay"].get(metric)
    if found is None or found["half_life_days"] is None:
        return []
    past_end = seconds(report["run"]["past_end"])
    first, last = (_middle(report["windows"][place]) for place in (0, -1))
    times = [first + (last - first) * step / (_FIT_POINTS - 1) for step in range(_FIT_POINTS)]
    fit = found["fit"]
    return [
        (time, _metric(metric, fit["start"] * math.exp(-fit["rate"] * (time - past_end) / 86400))) for time in times
    ]


def _metric(metric: str, quality: float) -> float:
    """The inverse of `quality`."""
    kind = kind_of(metric)
    return 1 / quality if kind == "errors" else quality + 0.5 if kind == "auc" else quality
