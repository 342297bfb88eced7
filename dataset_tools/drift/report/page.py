"""`drift.html`: verdicts first, then each measure beside its null, then the distributions; no script, no request."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from dataset_tools.drift.measuring.measures import MEASURES, Measure
from dataset_tools.drift.moments import shown_moment
from dataset_tools.drift.report.charts import Point, over_time, side_by_side
from dataset_tools.drift.report.distributions import Bars
from dataset_tools.drift.report.report import number
from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT, overall
from dataset_tools.page_templates import rendered

WORDS = {"OK": "OK", DRIFT: "DRIFT", INSUFFICIENT: "TOO LITTLE DATA"}


TEMPLATES = Path(__file__).parent / "templates"


def page(numbers: dict[str, Any]) -> str:
    """The page of a `drift.json`, as text."""
    return rendered(TEMPLATES / "drift.html", numbers=numbers, **data_values(numbers))


def data_values(numbers: dict[str, Any]) -> dict[str, Any]:
    """What `data.html` shows of a `drift.json`, by the names that the template uses."""
    figures = [figure for measure in MEASURES if (figure := _figure(measure, numbers))]
    figures.sort(key=lambda figure: [DRIFT, "OK", INSUFFICIENT].index(figure["state"]))
    return {
        "figures": figures,
        "bars": [Bars.from_json(one) for one in numbers["distributions"].values()],
        "windows": numbers["windows"],
        "repeats": numbers["thresholds"]["repeats"],
        "words": WORDS,
        "side_by_side": side_by_side,
    }


def _figure(measure: Measure, numbers: dict[str, Any]) -> dict[str, Any] | None:
    """Caption, verdict and chart of a measure; None where no window has it."""
    found = [window["measures"].get(measure.name) for window in numbers["windows"]]
    judged = [one for one in found if one]
    if not judged:
        return None
    state = overall([one["verdict"] for one in judged])
    return {
        "title": measure.title,
        "state": state,
        "text": _text(measure, judged, state),
        "chart": _chart(measure, numbers),
    }


def _text(measure: Measure, judged: list[dict[str, Any]], state: str) -> str:
    """The largest excess and its null, or how many windows drift."""
    with_value = [one for one in judged if one["excess"] is not None]
    if not with_value:
        return "the windows are too short, or too few users have rows on both sides"
    worst = max(with_value, key=lambda one: float(one["excess"]))
    null = worst["shuffled"] if worst["against"] == "shuffled" else worst["neighbours"]
    name = "times shuffled" if worst["against"] == "shuffled" else "windows of the past"
    drifting = sum(one["verdict"] == DRIFT for one in judged)
    text = (
        f"{number(measure, worst['value'])}; {name} {number(measure, null['mean'])}; "
        f"excess {number(measure, worst['excess'])}, threshold {number(measure, worst['threshold'])}"
    )
    return text if len(judged) == 1 else f"largest of {len(judged)} windows: {text}; drift in {drifting}"


def _chart(measure: Measure, numbers: dict[str, Any]) -> Markup | None:
    points = [_point(measure.name, one, "") for one in numbers["neighbours"]]
    points += [
        _point(measure.name, one, one["measures"].get(measure.name, {}).get("verdict", ""))
        for one in numbers["windows"]
    ]
    drawn = [point for point in points if point]
    return over_time(measure.title, drawn, measure.is_share) if any(point.state for point in drawn) else None


def _point(name: str, window: dict[str, Any], state: str) -> Point | None:
    found = window["measures"].get(name)
    if found is None or found["value"] is None:
        return None
    null = found["shuffled"]
    band = (null["low"], null["mean"], null["high"]) if null else None
    return Point(shown_moment(window["start_utc"], window["start_utc"], window["end_utc"]), found["value"], band, state)
