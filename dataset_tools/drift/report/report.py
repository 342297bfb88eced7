"""What was found, as `drift.json` holds it and in sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataset_tools.drift.counting.profile import Profile
from dataset_tools.drift.inputs import Columns, Source
from dataset_tools.drift.measuring.measures import MEASURES, Measure
from dataset_tools.drift.options import DriftOptions
from dataset_tools.drift.report.distributions import distributions
from dataset_tools.drift.thresholds import Thresholds
from dataset_tools.drift.verdict import DRIFT, INSUFFICIENT, OK, Compared, judged, overall, rounded, spread
from dataset_tools.drift.windows import Windows
from dataset_tools.sources.fetch import digest_of
from dataset_tools.times.tally import moment

_TITLES = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True)
class Report:
    """The content of both files.

    Attributes:
        numbers: `drift.json`.
    """

    numbers: dict[str, Any]

    @property
    def sentences(self) -> list[str]:
        """The verdict in a few sentences."""
        return list(self.numbers["summary"])


def make_report(
    options: DriftOptions,
    sources: Sequence[Source],
    columns: Columns,
    thresholds: Thresholds,
    profile: Profile,
    compared: Sequence[Compared],
) -> Report:
    """Judge every window and gather all numbers.

    Args:
        options, sources, columns, thresholds: of the command.
        profile: the counts.
        compared: neighbours of the past first, then the future, in the order of time.
    """
    windows = profile.windows
    past = [one for one in compared if one.comparison.window <= windows.n_past and one.is_enough(thresholds)]
    future = [one for one in compared if one.comparison.window > windows.n_past]
    judgements = [_judged_window(one, past, windows, thresholds) for one in future]
    numbers = {
        "verdict": overall([one["verdict"] for one in judgements]),
        "summary": sentences(judgements),
        "past": options.past.name,
        "future": options.future.name if options.future else None,
        "files": [
            {
                "name": source.path.name,
                "side": source.side,
                "sha256": digest_of(source.path, "sha256").partition(":")[2],
            }
            for source in sources
        ],
        "fields": {name: value for name, value in vars(columns).items()},
        "cut_timestamp": windows.cut,
        "cut_utc": moment(windows.cut, "seconds"),
        "reference": options.reference,
        "utc_offset": options.utc_offset,
        "seed": options.seed,
        "thresholds": thresholds.as_json(),
        "windows": judgements,
        "neighbours": [_neighbour(one, windows) for one in past],
        "distributions": {
            name: one.as_json() for name, one in distributions(profile, columns, options.utc_offset).items()
        },
        "measures": {measure.name: {"title": measure.title, "source": measure.source} for measure in MEASURES},
    }
    return Report(numbers)


def _span(one: Compared, windows: Windows) -> dict[str, Any]:
    start, end = windows.bounds(one.comparison.window)
    end = min(end, windows.last + 1)
    dates = {"start_utc": moment(start, "seconds"), "end_utc": moment(end, "seconds")}
    return {"start": start, "end": end, **dates, **one.window.as_json()}


def _judged_window(one: Compared, past: Sequence[Compared], windows: Windows, thresholds: Thresholds) -> dict[str, Any]:
    is_enough = one.is_enough(thresholds)
    measures = {}
    for place, measured in enumerate(one.measured):
        neighbours = [other.measured[place] for other in past]
        if measured.value is not None or measured.measure.days:
            name = measured.measure.name
            measures[name] = judged(measured, neighbours, thresholds.limits[name], is_enough)
    number = one.comparison.window - windows.n_past
    return {
        "name": f"window {number}",
        **_span(one, windows),
        "reference": one.reference.as_json(),
        "verdict": overall([measure["verdict"] for measure in measures.values()]),
        "measures": measures,
    }


def _neighbour(one: Compared, windows: Windows) -> dict[str, Any]:
    found = {
        measured.measure.name: {"value": rounded(measured.value), "shuffled": spread(measured.draws)}
        for measured in one.measured
        if measured.value is not None
    }
    return {**_span(one, windows), "reference": one.reference.as_json(), "measures": found}


def sentences(windows: Sequence[dict[str, Any]]) -> list[str]:
    """The verdict for people: how many windows drift, and by which measures most."""
    counts = {state: sum(one["verdict"] == state for one in windows) for state in (DRIFT, OK, INSUFFICIENT)}
    found = [_of_windows(windows, counts)]
    for name, measure in _TITLES.items():
        drifting = [one for one in windows if one["measures"].get(name, {}).get("verdict") == DRIFT]
        if drifting:
            found.append(_sentence(measure, drifting, len(windows)))
    return found


def _of_windows(windows: Sequence[dict[str, Any]], counts: dict[str, int]) -> str:
    if len(windows) == 1:
        texts = {
            DRIFT: "The future differs from the past.",
            OK: "No measure differs from the past by more than its threshold.",
            INSUFFICIENT: "Too few rows or users for a verdict.",
        }
        return texts[windows[0]["verdict"]]
    lacking = f"; {counts[INSUFFICIENT]} have too few rows or users" if counts[INSUFFICIENT] else ""
    return f"{counts[DRIFT]} of {len(windows)} windows differ from their reference{lacking}."


def _sentence(measure: Measure, drifting: Sequence[dict[str, Any]], n_windows: int) -> str:
    """`rows of items that are not known: 71.0% (times shuffled 54.2%; windows of the past 71.4% to 87.3%; ...)`."""
    worst = max(drifting, key=lambda one: float(one["measures"][measure.name]["excess"]))
    found = worst["measures"][measure.name]
    count = "1 window" if len(drifting) == 1 else f"{len(drifting)} windows"
    where = f" in {count}, most in {worst['name']}" if n_windows > 1 else ""
    beside = []
    if found["shuffled"]:
        beside.append(f"times shuffled {number(measure, found['shuffled']['mean'])}")
    if found["neighbours"]:
        low, high = (number(measure, found["neighbours"][end]) for end in ("low", "high"))
        beside.append(f"windows of the past {low} to {high}")
    beyond = "excess" if measure.shuffles else "change"
    more = {True: f"; {beyond} larger than in the past", False: f"; {beyond} no larger than in the past", None: ""}
    text = f"{measure.title}{where}: {number(measure, found['value'])}"
    return f"{text} ({'; '.join(beside)}{more[found['more_than_neighbours']]})." if beside else f"{text}."


def number(measure: Measure, value: float | None) -> str:
    """A share in percent, anything else with three digits."""
    if value is None:
        return "not measured"
    return f"{value:.1%}" if measure.is_share else f"{value:.3f}"
