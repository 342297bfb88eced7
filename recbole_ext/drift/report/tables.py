"""The tables of the page and of the summary, from a `drift.json` of model drift; cells are text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recbole_ext.drift.report.curves import Interval
from recbole_ext.drift.report.series import UPDATED, baselines_of, interval, metrics_of, of_baseline
from recbole_ext.drift.window_names import began, ended
from recbole_ext.report.charts.axis import number


@dataclass(frozen=True)
class Table:
    """A table: names of the columns and cells as text."""

    head: list[str]
    rows: list[list[str]]


def shown(value: Interval | None) -> str:
    """`0.1234 (0.1200 to 0.1268)`."""
    if value is None:
        return "-"
    middle, low, high = (None if part is None else f"{part:.4f}" for part in value)
    return str(middle) if low is None or high is None else f"{middle} ({low} to {high})"


def window_table(report: dict[str, Any]) -> Table:
    """A row per window: sizes, unknown users and items, the judged metric beside refitted baselines, the verdict."""
    return _spans(report, report["windows"], with_state=True)


def year_table(report: dict[str, Any]) -> Table | None:
    """The same by calendar year (UTC), computed from the rows; None where the future has no more than two years."""
    years = report.get("years")
    return _spans(report, years, with_state=False) if years else None


def _spans(report: dict[str, Any], spans: Sequence[dict[str, Any]], with_state: bool) -> Table:
    metric, names = report["metric"], baselines_of(report)
    updated = [key for key in UPDATED if any(span.get(key) for span in spans)]
    head = ["from", "to", "rows", "evaluated", "users", "by new users", "of new items", metric]
    head += ["lost", "verdict"] * with_state
    head += [UPDATED[key] for key in updated]
    with_baselines = any(span.get("baselines") for span in spans)
    head += [f"{name}, refitted" for name in names] * with_baselines
    rows = []
    for span in spans:
        row = [began(span), ended(span), *(f"{span[key]:,}" for key in ("rows", "evaluated", "users"))]
        row += [share(span[key], span["rows"]) for key in ("new_user_rows", "new_item_rows")]
        row.append(shown(interval(span["metrics"].get(metric))))
        row += [_lost(span["verdicts"].get(metric)), span["state"]] if with_state else []
        row += [shown(interval((span[key] or {}).get(metric))) for key in updated]
        if with_baselines:
            row += [shown(of_baseline(name, "refitted", metric)(span)) for name in names]
        rows.append(row)
    return Table(head, rows)


def _lost(judged: dict[str, Any] | None) -> str:
    """What is lost since the run's own evaluation, and how much of it the refitted baseline lost as well."""
    if judged is None or judged["lost"] is None:
        return "-"
    harder = judged["harder"]
    return f"{judged['lost']:.1%}" + (f" (baseline {harder:.1%})" if harder is not None else "")


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
