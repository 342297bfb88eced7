"""The summary of a `drift.json` of model drift for a terminal."""

from collections.abc import Mapping
from typing import Any

from dataset_tools.drift.verdict import INSUFFICIENT
from recbole_ext.drift.quality import kind_of
from recbole_ext.drift.sentences import is_harder
from recbole_ext.drift.window_names import began


def summary_lines(report: Mapping[str, Any]) -> list[str]:
    """What the terminal shows."""
    metric = report["metric"]
    kinds = [kind for kind in ("retrained", "fine_tuned") if any(window[kind] for window in report["windows"])]
    best = _best_refitted(report)
    refitted = [f"{best}, refitted"] if best else []
    head = ["window", "rows", "evaluated", metric, "95 %", "lost", *refitted, *kinds, "state"]
    rows = [head, *(_row(window, metric, best, kinds) for window in report["windows"])]
    own = report["own_test"].get(metric)
    split = "its test" if report["own_split"] == "test" else "validation"
    decay = report["decay"].get(metric, {"reason": "nothing was evaluated", "half_life_days": None})
    return [
        f"run         {report['run']['name']}: {metric} {own['value']:.4f} ({split})" if own else _no_reference(report),
        *([f"sample      {report['future']['sample']}"] if report["future"].get("sample") else []),
        *_table(rows),
        *([f"data        not compared: {report['no_data']}"] if report.get("no_data") else []),
        f"half-life   {_half_life(decay)}",
        f"verdict     {report['verdict']['state']} ({metric})",
        f"retrain     {_yes(report['recommendation']['retrain'])}: {report['recommendation']['reason']}",
    ]


def _no_reference(report: Mapping[str, Any]) -> str:
    return f"run         {report['run']['name']}: no evaluation of its own to count losses from, so no verdict"


def _yes(retrain: bool | None) -> str:
    return "not decided" if retrain is None else "yes" if retrain else "no"


def _half_life(decay: Mapping[str, Any]) -> str:
    if decay["half_life_days"] is None:
        return f"none: {decay['reason']}"
    beyond = ", longer than what was observed" if decay["extrapolates"] else ""
    return f"{decay['half_life_days']:.0f} days ({decay['low']:.0f} to {decay['high']:.0f}){beyond}"


def _best_refitted(report: Mapping[str, Any]) -> str | None:
    """The baseline that is the null of the verdict: the best one in the run's own evaluation."""
    own, metric = report["own_baselines"], report["metric"]
    known = {name: of[metric] for name, of in own.items() if metric in of}
    sign = -1 if kind_of(metric) == "errors" else 1
    return max(known, key=lambda name: sign * known[name], default=None)


def _row(window: Mapping[str, Any], metric: str, best: str | None, kinds: list[str]) -> list[str]:
    own = window["metrics"].get(metric)
    cells = [began(window), f"{window['rows']:,}", f"{window['evaluated']:,}", _number(own)]
    cells.append("-" if not own or own["low"] is None else f"{own['low']:.4f} to {own['high']:.4f}")
    judged = window["verdicts"].get(metric)
    cells.append("-" if not judged or judged["lost"] is None else f"{judged['lost']:.1%}")
    if best:
        value = window["baselines"].get(best, {}).get("refitted", {}).get(metric)
        cells.append("-" if value is None else f"{value:.4f}")
    cells += [_number((window[kind] or {}).get(metric)) for kind in kinds]
    return [*cells, _state(judged, window["state"])]


def _state(judged: Mapping[str, Any] | None, state: str) -> str:
    """The state, and where a loss beyond the threshold is explained by harder data, that it is."""
    if state == INSUFFICIENT or not judged:
        return "too few data"
    return f"{state}, harder data" if is_harder(judged) else state


def _number(of: Mapping[str, Any] | None) -> str:
    return "-" if not of else f"{of['value']:.4f}"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
