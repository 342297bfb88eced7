"""What the page and the summary show of a `drift.json`: charts, tables and sentences, without a markup of their own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recbole_ext.drift.quality import kind_of
from recbole_ext.drift.report.curves import Curves, Interval, Line, Spot
from recbole_ext.report.chart import number

MODEL, RETRAINED, FINE_TUNED = "model", "retrained", "fine-tuned"
GROUP_NAMES = {
    "known_users": "users of the training data",
    "new_users": "new users",
    "known_items": "items of the training data",
    "new_items": "new items",
}
_UPDATED = {"retrained": RETRAINED, "fine_tuned": FINE_TUNED}
_FIT_POINTS = 60


@dataclass(frozen=True)
class Table:
    """A table: names of the columns and cells as text."""

    head: list[str]
    rows: list[list[str]]


def metrics_of(report: dict[str, Any]) -> list[str]:
    """The metrics of the windows, the one that is judged first."""
    names = {name: None for window in report["windows"] for name in window["metrics"]}
    return sorted(names, key=lambda name: name != report["metric"])


def interval(entry: dict[str, Any] | None) -> Interval | None:
    """`{value, low, high}` as a tuple; None of a window without the metric."""
    if entry is None or entry["value"] is None:
        return None
    return entry["value"], entry["low"], entry["high"]


def shown(value: Interval | None) -> str:
    """`0.1234 (0.1200 to 0.1268)`."""
    if value is None:
        return "-"
    middle, low, high = (None if part is None else f"{part:.4f}" for part in value)
    return str(middle) if low is None or high is None else f"{middle} ({low} to {high})"


def curves(report: dict[str, Any], metric: str) -> Curves:
    """The chart of a metric: the model, what it was updated to, and baselines."""
    windows = report["windows"]
    lines = [Line(MODEL, "s0", _spots(windows, lambda w: interval(w["metrics"].get(metric)), judged=True), band=True)]
    for key, style in (("retrained", "s1"), ("fine_tuned", "s2")):
        lines.append(Line(_UPDATED[key], style, _spots(windows, _of(key, metric))))
    for place, name in enumerate(baselines_of(report)):
        for form, look in (("refitted", ""), ("frozen", " dashed")):
            spots = _spots(windows, _of_baseline(name, form, metric))
            lines.append(Line(f"{name}, {form}", f"s{3 + place % 5}{look}", spots))
    own = interval(report["own_test"].get(metric))
    return Curves(metric, [line for line in lines if line.spots], own, _fit(report, metric))


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


def _of(key: str, metric: str) -> Any:
    return lambda window: interval((window[key] or {}).get(metric))


def _of_baseline(name: str, form: str, metric: str) -> Any:
    def found(window: dict[str, Any]) -> Interval | None:
        value = window["baselines"].get(name, {}).get(form, {}).get(metric)
        return None if value is None else (value, None, None)

    return found


def _of_group(name: str, metric: str) -> Any:
    def found(window: dict[str, Any]) -> Interval | None:
        value = window["groups"].get(name, {}).get("metrics", {}).get(metric)
        return None if value is None else (value, None, None)

    return found


def _spots(windows: Sequence[dict[str, Any]], of: Any, judged: bool = False) -> list[Spot]:
    found = [(window, of(window)) for window in windows]
    return [
        Spot(_middle(window), value, window["state"] if judged else "", window["start"][:10])
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


def window_table(report: dict[str, Any]) -> Table:
    """A row per window: sizes, unknown users and items, the judged metric beside refitted baselines, the verdict."""
    return _spans(report, report["windows"], with_state=True)


def year_table(report: dict[str, Any]) -> Table | None:
    """The same by calendar year (UTC), computed from the rows; None where the future has no more than two years."""
    years = report.get("years")
    return _spans(report, years, with_state=False) if years else None


def _spans(report: dict[str, Any], spans: Sequence[dict[str, Any]], with_state: bool) -> Table:
    metric, names = report["metric"], baselines_of(report)
    updated = [key for key in _UPDATED if any(span.get(key) for span in spans)]
    head = ["from", "to", "rows", "evaluated", "users", "by new users", "of new items", metric]
    head += ["verdict"] * with_state
    head += [_UPDATED[key] for key in updated]
    with_baselines = any(span.get("baselines") for span in spans)
    head += [f"{name}, refitted" for name in names] * with_baselines
    rows = []
    for span in spans:
        row = [span["start"][:10], span["end"][:10], *(f"{span[key]:,}" for key in ("rows", "evaluated", "users"))]
        row += [share(span[key], span["rows"]) for key in ("new_user_rows", "new_item_rows")]
        row += [shown(interval(span["metrics"].get(metric))), *[span["state"]] * with_state]
        row += [shown(interval((span[key] or {}).get(metric))) for key in updated]
        if with_baselines:
            row += [shown(_of_baseline(name, "refitted", metric)(span)) for name in names]
        rows.append(row)
    return Table(head, rows)


def share(part: int, whole: int) -> str:
    """A fraction in percent."""
    return f"{part / whole:.1%}" if whole else "-"


def decay_table(report: dict[str, Any]) -> Table:
    """A row per metric: the run's own evaluation, first and last window, half-life or why there is none."""
    rows = []
    for metric in metrics_of(report):
        values = [found for window in report["windows"] if (found := interval(window["metrics"].get(metric)))]
        own = interval(report["own_test"].get(metric))
        ends = [shown(values[0]), shown(values[-1])] if values else ["-", "-"]
        rows.append([metric, shown(own), *ends, half_life(report["decay"].get(metric))])
    return Table(["metric", "own evaluation", "first window", "last window", "half-life"], rows)


def half_life(found: dict[str, Any] | None) -> str:
    """`812 days (640 to 1100)`, or why there is none."""
    if found is None:
        return "not fitted"
    if found["half_life_days"] is None:
        return f"none: {found['reason']}"
    low, high = (number(found[end]) if found[end] is not None else "unknown" for end in ("low", "high"))
    longer = ", longer than what was observed" if found.get("extrapolates") else ""
    return f"{number(found['half_life_days'])} days ({low} to {high}{longer})"


def advice(report: dict[str, Any]) -> tuple[str, str]:
    """The recommendation in a word or two, and its reason."""
    found = report["recommendation"]
    words = {True: "Retrain", False: "Do not retrain yet", None: "No recommendation"}
    return words[found["retrain"]], found["reason"]
