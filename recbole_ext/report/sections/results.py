"""The model against its baselines, groups of tested rows, and hits by the length of the list."""

import math
from collections.abc import Mapping
from typing import Any

from recbole_ext.evaluation.best_baseline import best_baseline
from recbole_ext.evaluation.metric_order import in_order, smaller_is_better
from recbole_ext.report.charts.dots import Row, dots
from recbole_ext.report.charts.drawing import GREY
from recbole_ext.report.page import Page
from recbole_ext.report.record import Record

_MOST_CHARTS = 4
CUT = "@10"


def add_baselines(page: Page, record: Record) -> None:
    """A chart per metric, the metric of choice first; all numbers are in a table beneath."""
    result = record.result
    test = result.get("test") or {}
    if not test:
        return
    page.heading("Model and baselines").text(
        "Test values; lines are 95 % intervals over users. The best is at the top."
        if result.get("test_intervals")
        else "Test values; this run has no intervals over users. The best is at the top."
    )
    first = str(result.get("valid_metric", "")).lower()
    named = sorted(in_order(test), key=lambda name: (name != first, CUT not in name and "@" in name))
    for place, metric in enumerate(named[:_MOST_CHARTS]):
        page.figure(metric, dots(f"{metric} on test", _rows(result, metric), metric), main=place == 0)
    _add_table(page, result)


def _rows(result: Mapping[str, Any], metric: str) -> list[Row]:
    """The model and its baselines, the best first; what has no value comes last."""
    spans, model = result.get("test_intervals") or {}, str(result["model"])
    rows = []
    for name, values in {model: result["test"], **(result.get("baselines") or {})}.items():
        low, high = ((spans.get(name) or {}).get(metric) or [None, None])[:2]
        rows.append(Row(name, values.get(metric), low, high, "", 0 if name == model else GREY, name == model))
    return sorted(rows, key=lambda row: _badness(row.value, metric, result))


def _badness(value: float | None, metric: str, result: Mapping[str, Any]) -> float:
    if value is None or not math.isfinite(value):
        return math.inf
    return value if smaller_is_better(metric, result) else -value


def _add_table(page: Page, result: Mapping[str, Any]) -> None:
    test, model = result["test"], str(result["model"])
    names, spans = in_order(test), (result.get("test_intervals") or {}).get(model) or {}
    rows: dict[str, Mapping[str, Any]] = {model: test}
    if spans:
        rows |= {"95 % from": {n: s[0] for n, s in spans.items()}, "95 % to": {n: s[1] for n, s in spans.items()}}
    rows |= result.get("baselines") or {}
    rows |= {"(validation)": result["valid"]} if result.get("valid") else {}
    body = [[name, *(found.get(metric) for metric in names)] for name, found in rows.items()]
    page.table(["test", *names], body, fold="All metrics")


_GROUPED = {
    "history": "training rows of the user",
    "popularity": "popularity of the item",
    "time": "time since the event before",
}
_TIMES = (
    " Time: events of one time are often of one page or basket, which makes them easier. Which of them is next is "
    "decided by the order of the file, with tie_order: random by chance."
)


def add_groups(page: Page, record: Record) -> None:
    """The metric by length of history, by popularity of the item, and of targets at the time of the event before."""
    groups = record.analysis.get("groups") or {}
    metric = str(groups.get("metric", ""))
    known = [(kind, groups[kind]) for kind in ("history", "popularity", "time") if groups.get(kind)]
    if not known:
        return
    page.heading("Users and items").text(
        f"{metric} on test by groups, each with its 95 % interval over users. History: training rows of the user. "
        "Popularity: head are the most frequent items with a third of all training rows, middle those with the next "
        "third, tail the others; new items have none. A rare group has a wide interval."
        + (_TIMES if groups.get("time") else "")
    )
    overall = (record.result.get("test") or {}).get(metric)
    titles = {kind: f"{metric} by {of}" for kind, of in _GROUPED.items()}
    for kind, found in known:
        rows = [_group_row(kind, group) for group in found]
        level = (float(overall), "all") if overall is not None and kind == "history" else None
        page.figure(titles[kind], dots(titles[kind], rows, metric, level, ordered=True), main=True)


def _group_row(kind: str, group: Mapping[str, Any]) -> Row:
    low, high = (group.get("interval") or [None, None])[:2]
    name = f"{group['name']} rows" if kind == "history" else str(group["name"])
    return Row(name, group.get("value"), low, high, f"n {group['rows']:,}")


def add_hits(page: Page, record: Record) -> None:
    """The fraction of lists with a target within the first k."""
    hits = record.analysis.get("hits") or {}
    within, lists = hits.get("within") or [], hits.get("lists") or 0
    if not within or not lists:
        return
    points = [(float(k), count / lists) for k, count in enumerate(within, 1)]
    candidates = (record.result.get("protocol") or {}).get("candidates")
    among = "" if candidates in (None, "full") else f" Targets are ranked among {candidates} candidates."
    page.heading("Hits by length of the list").text(
        f"The fraction of {lists:,} tested lists with a target among the first k items, k = 1 to {len(within)}.{among}"
    )
    page.chart("HR@k", {"HR@k": points}, "fraction of lists", "k", main=True)


def best_reference(record: Record, metric: str) -> dict[str, float]:
    """The best baseline, as a line that a chart of the metric shows; {} where the metric is another one."""
    best = best_baseline(record.result)
    chosen = str(record.result.get("valid_metric", "")).lower()
    return {f"{best[0]} on test": float(best[1])} if best and metric == chosen else {}
